"""Run every benchmark and print one table."""

from benchmarks import middleware, permutation

for row in (*middleware.run(), *permutation.run()):
    print(f"{row.name}: {row.ours:.4f} s against {row.other:.4f} s ({row.against}): {row.ratio:.3f} times")
