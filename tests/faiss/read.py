#!/usr/bin/env python3
"""FAISS reads an index file, with lists or without, and finds in it what it holds.

    read.py INDEX.faiss COUNT

Compared are the kind of index, the ids, 1 to COUNT in any order, the length of the vectors, the codes with those
that FAISS makes itself of the same vectors, and each vector's nearest neighbour, which is
the vector. Exit 77 where there is no FAISS for Python.
"""
import sys

try:
    import faiss
    import numpy as np
except ImportError:
    print("no FAISS for Python here: install python3-faiss")
    sys.exit(77)


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    index = faiss.read_index(path)
    both = faiss.downcast_index(index.index)
    codes = faiss.downcast_index(both.base_index)
    exact = faiss.downcast_index(both.refine_index)
    kinds = [type(i).__name__ for i in (index, both, codes, exact)]
    assert kinds == ["IndexIDMap", "IndexRefineFlat", "IndexScalarQuantizer",
                     "IndexFlat"], kinds
    assert index.ntotal == count, index.ntotal
    ids = faiss.vector_to_array(index.id_map)
    assert (np.sort(ids) == np.arange(1, count + 1)).all(), ids
    vectors = faiss.vector_to_array(exact.codes).view("float32").reshape(count, index.d)
    assert np.allclose((vectors ** 2).sum(1), 1, atol=2e-3)
    own = faiss.IndexScalarQuantizer(index.d, faiss.ScalarQuantizer.QT_8bit,
                                     faiss.METRIC_INNER_PRODUCT)
    own.train(vectors)
    own.add(vectors)
    assert (faiss.vector_to_array(own.codes) == faiss.vector_to_array(codes.codes)).all()
    both.k_factor = 4
    _, found = index.search(vectors, 1)
    assert (found[:, 0] == ids).all(), found
    print(f"FAISS {faiss.__version__} reads {count} vectors of {index.d} floats")


main()
