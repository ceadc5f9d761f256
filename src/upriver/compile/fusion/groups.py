"""Groups: primitives that run in one loop nest, and how another one may join them."""

from __future__ import annotations

from collections.abc import Sequence

from ..primitives.prims import Prim, Shape

Owner = list[tuple[int, int] | None]
"""For each loop of a group the dimension of a member that it moves along, and by how much; None if it does not."""


class Group:
    """What becomes one kernel.

    Attributes:
        kind: ``loop``; ``product``, whose loops are the dimensions of its result and never cut; or ``own``: a
            primitive with a kernel of its own kind, or a host call.
        number: among all groups, by creation.
        dims: lengths of the loops; none is 1.
        reduced: for each loop whether the group reduces over it.
        members: the primitives, with how the loops move along the dimensions of what each runs over.
        root: the product (or convolution, or windows), or the primitive with a kernel of its own.
        mask: the bits of this group and of those that it took in.
        needs: the bits of the groups that must run before; ``direct`` of those that it reads from itself.
    """

    __slots__ = ("dims", "direct", "kind", "mask", "members", "needs", "number", "reduced", "root")

    def __init__(self, number: int, kind: str, dims: Sequence[int], root: Prim | None = None) -> None:
        self.number, self.kind, self.root = number, kind, root
        self.dims, self.reduced = list(dims), [False] * len(dims)
        self.members: dict[Prim, Owner] = {}
        self.mask, self.needs, self.direct = 1 << number, 0, 0

    def __repr__(self) -> str:
        return f"<{self.kind} {self.number} {self.dims} {[int(r) for r in self.reduced]} {list(self.members)}>"

    def split(self, loop: int, inner: int) -> bool:
        """Cut a loop into two, the inner one of length ``inner``; whether that can be."""
        if self.kind != "loop" or self.dims[loop] % inner:
            return False
        self.dims[loop : loop + 1] = [self.dims[loop] // inner, inner]
        self.reduced.insert(loop, self.reduced[loop])
        for owner in self.members.values():
            cut(owner, loop, inner)
        return True

    def locate(self, at: list[int], shape: Shape, strides: Sequence[int]) -> Owner | None:
        """The loops along an array that reads, at ``strides``, what lies ``at`` over the loops. May cut loops.

        Returns:
            None where the array does not run over the group's loops, or over those that are kept, in some order.
        """
        dims, owner = self.dims, [None] * len(self.dims)  # type: Sequence[int], Owner
        free: list[int] = []

        def part(loop: int, inner: int) -> bool:
            if not self.split(loop, inner):
                return False
            cut(owner, loop, inner)
            at[loop : loop + 1] = [at[loop] * inner, at[loop]]
            return True

        for i, n in enumerate(shape):
            if n == 1:
                continue
            if strides[i] == 0:
                free.append(i)
                continue
            times, where = 1, strides[i]
            while times < n:
                for d, s in enumerate(at):
                    if s == where and owner[d] is None:
                        break
                else:
                    for d, s in enumerate(at):
                        if 0 < s < where < s * dims[d] and where % s == 0 and owner[d] is None:
                            break
                    else:
                        return None
                    if not part(d, where // s):
                        return None
                    continue
                if times * dims[d] > n:
                    if n % times or not part(d, n // times):
                        return None
                    continue
                owner[d] = (i, times)
                times *= dims[d]
                where *= dims[d]
            if times != n:
                return None
        # What is repeated runs along the loops over which the value does not move.
        for i in reversed(free):
            times = 1
            while times < shape[i]:
                still = [d for d, s in enumerate(at) if s == 0 and owner[d] is None and dims[d] > 1]
                if not still:
                    return None
                d = still[-1]
                if times * dims[d] > shape[i]:
                    if shape[i] % times or not part(d, shape[i] // times):
                        return None
                    continue
                owner[d] = (i, times)
                times *= dims[d]
            if times != shape[i]:
                return None
        left = [o is None and n > 1 for o, n in zip(owner, dims, strict=True)]
        return owner if not any(left) or left == self.reduced else None


def cut(owner: Owner, loop: int, inner: int) -> None:
    """Follow a loop that was cut in two."""
    held = owner[loop]
    owner[loop : loop + 1] = [None, None] if held is None else [(held[0], held[1] * inner), held]


def over(owner: Owner, strides: Sequence[int]) -> list[int]:
    """A map over the dimensions of a member as one over the loops."""
    return [0 if o is None else strides[o[0]] * o[1] for o in owner]


def prim_loops(owner: Owner, dims: Sequence[int]) -> list[int]:
    """The loops that run along ``dims`` of a member."""
    return [d for d, o in enumerate(owner) if o is not None and o[0] in dims]


def merged_loops(a: Group, of_a: Owner, b: Group, of_b: Owner) -> list[int] | None:
    """For each loop of ``b`` that of ``a`` which is the same to a common member. May cut loops of both."""
    for of_first, second, of_second in ((of_a, b, of_b), (of_b, a, of_a)):
        # Every boundary of one must be a boundary of the other.
        for held in list(of_first):
            if held is None:
                continue
            i, times = held
            for d, other in enumerate(of_second):
                if other is not None and other[0] == i and other[1] < times < other[1] * second.dims[d]:
                    if times % other[1] or not second.split(d, times // other[1]):
                        return None
                    cut(of_second, d, times // other[1])
                    break
    where = {held: d for d, held in enumerate(of_a) if held is not None}
    left = [d for d, held in enumerate(of_a) if held is None]
    found: list[int] = []
    for held in of_b:
        if held is None:
            if not left:
                return None
            found.append(left.pop(0))
        elif held in where:
            found.append(where[held])
        else:
            return None
    if len(found) != len(a.dims) or any([a.dims[x] != n for x, n in zip(found, b.dims, strict=True)]):
        return None
    return found
