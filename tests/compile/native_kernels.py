"""Kernels written by hand, and plans of them, for the tests of the native side."""

import numpy as np

from upriver.compile.kernels import Call, KernelCode, Plan, Ref

F4 = np.dtype(np.float32)

_LOOP = """define void @{name}(ptr %a, i64 %b, i64 %e, ptr %s) {{
entry:
  %xp = load ptr, ptr %a
  %q1 = getelementptr ptr, ptr %a, i64 1
  %yp = load ptr, ptr %q1
  %q2 = getelementptr ptr, ptr %a, i64 2
  %zp = load ptr, ptr %q2
  %some = icmp slt i64 %b, %e
  br i1 %some, label %loop, label %end
loop:
  %i = phi i64 [%b, %entry], [%i1, %loop]
  %xa = getelementptr float, ptr %xp, i64 %i
  %ya = getelementptr float, ptr %yp, i64 %i
  %za = getelementptr {type}, ptr %zp, i64 {at}
  %x = load float, ptr %xa
  %y = load float, ptr %ya
  {op}
  store {type} %z, ptr %za
  %i1 = add i64 %i, 1
  %m = icmp slt i64 %i1, %e
  br i1 %m, label %loop, label %end
end:
  ret void
}}"""


def code(name, op, n, *, type="float", at="%i", cost=0):
    """slot 2 = slot 0 (op) slot 1, entry by entry."""
    ir = _LOOP.format(name=name, op=op, type=type, at=at)
    return KernelCode(name, ir, (), n, 1, True, 0, max(n, cost * 103), 12 * n, "by hand")


def add(n, **kwargs):
    return code(f"add_{n}", "%z = fadd float %x, %y", n, **kwargs)


def mul(n, **kwargs):
    return code(f"mul_{n}", "%z = fmul float %x, %y", n, **kwargs)


def less(n):
    """Whether the entry is less, as a byte."""
    op = "%c = fcmp olt float %x, %y\n  %z = zext i1 %c to i8"
    return code(f"less_{n}", op, n, type="i8")


def stray(n, where):
    """Adds, but writes entry 0 at ``where`` entries off."""
    return code(f"stray_{n}", "%z = fadd float %x, %y", n, at=str(where))


def ladder(n, depth, cost=0, chain=0):
    """``depth`` calls, each of (what the one before made) + y and · y in turn; and what comes out."""
    calls, at = [], Ref("input", 0)
    for i in range(depth):
        out = Ref("arena", 0, 4 * n * i)
        kernel = add(n, cost=cost) if i % 2 == 0 else mul(n, cost=cost)
        calls.append(Call(kernel, (at, Ref("input", 1), out), chain=chain))
        at = out
    plan = Plan(tuple(calls), 4 * n * depth, ((F4, (n,), at),), inputs=((F4, (n,)), (F4, (n,))))

    def expected(x, y):
        for i in range(depth):
            x = x + y if i % 2 == 0 else x * y
        return x

    return plan, expected
