"""Makes the archives of tests/golden/mirc, in the current folder or the one named.

export.zip is what a MIRC server exports: flat and deflated. evil.zip has the same
document and, one of each, what an archive must not do. mixed.zip has folders, two
documents, and much that is neither a document nor a picture of one.
"""
import os
import stat
import struct
import sys
import zipfile

WHEN = (2024, 1, 1, 0, 0, 0)


def picture(seed):
    values = []
    for _ in range(24 * 24):
        seed = (seed * 1103 + 12345) % 65536
        values.append(seed // 256)
    return b"P5\n24 24\n255\n" + bytes(values)


def document(title, *images):
    shown = "".join(
        f'<image src="{base}"><image-caption>{caption}</image-caption>'
        f'<alternative-image role="original-dimensions" src="{full}"/></image>'
        for base, full, caption in images)
    return (f"<MIRCdocument><title>{title}</title><findings>A nodule in the right "
            f"lung.</findings><image-section>{shown}</image-section>"
            "<authorization><read>*</read></authorization></MIRCdocument>").encode()


def add(archive, name, content, mode=0o644 | stat.S_IFREG):
    info = zipfile.ZipInfo(name, WHEN)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = mode << 16
    archive.writestr(info, content)


def export(archive):
    add(archive, "case.xml", document(
        "Nodule", ("a_base.pgm", "a.pgm", "Slice with the nodule"),
        ("b.pgm", "", "Slice below")))
    for seed, name in enumerate(("a.pgm", "a_base.pgm", "b.pgm", "unshown.pgm")):
        add(archive, name, picture(40 + seed))


def evil(archive):
    add(archive, "case.xml", document(
        "Nodule", ("a.pgm", "", "Slice with the nodule"),
        ("../outside.pgm", "", "Slips out"), ("/absolute.pgm", "", "Absolute"),
        ("link.pgm", "", "A link"), ("twice.pgm", "", "Two of them"),
        ("locked.pgm", "", "Encrypted"), ("bomb.pgm", "", "A bomb")))
    add(archive, "a.pgm", picture(50))
    add(archive, "../outside.pgm", picture(51))
    add(archive, "/absolute.pgm", picture(52))
    add(archive, "link.pgm", "/etc/passwd", 0o777 | stat.S_IFLNK)
    add(archive, "twice.pgm", picture(53))
    add(archive, "twice.pgm", picture(54))
    add(archive, "locked.pgm", picture(55))
    add(archive, "bomb.pgm", b"P5\n2048 1024\n255\n" + bytes(2048 * 1024))


def mixed(archive):
    add(archive, "case.xml", document("Cyst", ("sub/a.pgm", "", "Slice with the cyst")))
    add(archive, "sub/a.pgm", picture(60))
    add(archive, "sub/case.xml", document("Stone", ("b.pgm", "", "Slice with it")))
    add(archive, "sub/b.pgm", picture(61))
    for number in range(3):
        add(archive, f"sub/unnamed{number}.pgm", picture(62 + number))
    add(archive, "letter.docx", b"no text of ours")
    add(archive, "sub/clip.mp4", b"no picture of ours")
    add(archive, "sub/inner.zip", b"no archive of ours")
    add(archive, "__MACOSX/sub/._a.pgm", b"of a system")


def lock(path, name):
    """Set the bit that says a file is encrypted, here and in the directory."""
    data = bytearray(open(path, "rb").read())
    for signature, flags, start in ((b"PK\3\4", 6, 30), (b"PK\1\2", 8, 46)):
        at = data.find(signature)
        while at >= 0:
            if data[at + start:at + start + len(name)] == name:
                value, = struct.unpack_from("<H", data, at + flags)
                struct.pack_into("<H", data, at + flags, value | 1)
            at = data.find(signature, at + 1)
    open(path, "wb").write(data)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "."
    for name, fill in (("export.zip", export), ("evil.zip", evil), ("mixed.zip", mixed)):
        with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
            fill(archive)
    lock(os.path.join(folder, "evil.zip"), b"locked.pgm")


main()
