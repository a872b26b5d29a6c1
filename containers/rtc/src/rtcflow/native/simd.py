"""Four numbers at once in Numba kernels: LLVM's vector of doubles as a type, with arithmetic and memory access.

Numba compiles for one number, and loops over pixels are too complex for LLVM to vectorize them by itself. Expressions
written with `+ - * /`, `np.sqrt` and unary minus take plain numbers and vectors alike: a formula is written once.
LLVM splits the vector where a processor's registers are shorter.
"""

import operator
import os

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

LANES = 4
_INDEX = ir.IntType(32)
_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)
_BYTE = ir.IntType(8)
_BYTES = {_DOUBLE: 8, ir.FloatType(): 4, _BYTE: 1}
_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)
_FLAGS = ("contract", "nsz")
# NUMBA_BOUNDSCHECK does not see these accesses: with this set, one outside of its array ends the process. For tests,
# with a NUMBA_CACHE_DIR of their own.
_CHECKED = os.environ.get("RTCFLOW_CHECK_INDICES") == "1"


class _Vector(types.Type):
    """Numba's name for the vector."""

    def __init__(self):
        super().__init__("vector of 4 doubles")


VECTOR = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, type_):
        super().__init__(manager, type_, _VECTOR)


def _shuffled(builder, value, *lanes):
    return builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(_INDEX, LANES), lanes))


def _as_vector(builder, value, type_):
    if type_ == VECTOR:
        return value
    return _shuffled(builder, builder.insert_element(_UNDEFINED, value, _INDEX(0)), 0, 0, 0, 0)


def _as_typed(type_):
    return VECTOR if type_ == VECTOR else types.float64


def _operation(make):
    """An operation of vectors, or of a vector and a number, by a function of the builder and two LLVM vectors."""

    @intrinsic
    def operation(context, x, y):
        def generate(target, builder, signature, values):
            return make(
                builder, *(_as_vector(builder, v, t) for v, t in zip(values, signature.args, strict=True))
            )

        return VECTOR(_as_typed(x), _as_typed(y)), generate

    return operation


def _choice(sign):
    return _operation(lambda b, x, y: b.select(b.fcmp_ordered(sign, x, y), x, y))


_least, _most = _choice("<"), _choice(">")
_OPERATIONS = {
    (operator.add, operator.iadd): _operation(lambda b, x, y: b.fadd(x, y, flags=_FLAGS)),
    (operator.sub, operator.isub): _operation(lambda b, x, y: b.fsub(x, y, flags=_FLAGS)),
    (operator.mul, operator.imul): _operation(lambda b, x, y: b.fmul(x, y, flags=_FLAGS)),
    (operator.truediv, operator.itruediv): _operation(lambda b, x, y: b.fdiv(x, y, flags=_FLAGS)),
}


def _overload_operation(symbol, operation):
    @overload(symbol)
    def overloaded(x, y):
        return (lambda x, y: operation(x, y)) if VECTOR in (x, y) else None


for _symbols, _vector_operation in _OPERATIONS.items():
    for _symbol in _symbols:
        _overload_operation(_symbol, _vector_operation)


@overload(operator.neg)
def _overload_neg(x):
    return (lambda x: 0.0 - x) if x == VECTOR else None


@intrinsic
def _root(context, x):
    def generate(target, builder, signature, values):
        function = builder.module.globals.get("llvm.sqrt.v4f64") or ir.Function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), "llvm.sqrt.v4f64"
        )
        return builder.call(function, values)

    return VECTOR(VECTOR), generate


@overload(np.sqrt)
def _overload_sqrt(x):
    return (lambda x: _root(x)) if x == VECTOR else None


def with_room(shape, dtype):
    """An array of zeros, with room to load a vector at its last element."""
    size = int(np.prod(shape))
    return np.zeros(size + LANES, dtype)[:size].reshape(shape)


def least(x, y):
    """The smaller of each pair of numbers; in kernels only."""
    raise NotImplementedError


def most(x, y):
    """The larger of each pair of numbers; in kernels only."""
    raise NotImplementedError


@overload(least)
def _overload_least(x, y):
    return lambda x, y: _least(x, y)


@overload(most)
def _overload_most(x, y):
    return lambda x, y: _most(x, y)


@intrinsic
def pack(context, a, b, c, d):
    """A vector of four numbers."""

    def generate(target, builder, signature, values):
        vector = _UNDEFINED
        for k, value in enumerate(values):
            vector = builder.insert_element(vector, value, _INDEX(k))
        return vector

    return VECTOR(*[types.float64] * LANES), generate


@intrinsic(prefer_literal=True)
def lane(context, vector, k):
    """Number `k` of a vector; `k` is a literal."""

    def generate(target, builder, signature, values):
        return builder.extract_element(values[0], _INDEX(k.literal_value))

    return types.float64(VECTOR, k), generate


@intrinsic
def total(context, vector):
    """Sum of a vector's numbers."""

    def generate(target, builder, signature, values):
        a, b, c, d = (builder.extract_element(values[0], _INDEX(k)) for k in range(LANES))
        return builder.fadd(builder.fadd(a, c), builder.fadd(b, d))

    return types.float64(VECTOR), generate


@intrinsic
def shifted(context, first, vector):
    """(first, v0, v1, v2): each lane takes the value of the lane before it."""

    def generate(target, builder, signature, values):
        return builder.insert_element(_shuffled(builder, values[1], 3, 0, 1, 2), values[0], _INDEX(0))

    return VECTOR(types.float64, VECTOR), generate


@intrinsic
def turned(context, vector):
    """(v1, v2, v3, v0): each lane takes the value of the next one, the last that of the first."""

    def generate(target, builder, signature, values):
        return _shuffled(builder, values[0], 1, 2, 3, 0)

    return VECTOR(VECTOR), generate


@intrinsic
def where_positive(context, x, chosen, other):
    """By lane, `chosen` where `x` is above zero and `other` elsewhere, also where `x` is NaN."""

    def generate(target, builder, signature, values):
        x_, chosen_, other_ = (_as_vector(builder, v, t) for v, t in zip(values, signature.args, strict=True))
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        return builder.select(builder.fcmp_ordered(">", x_, zero), chosen_, other_)

    return VECTOR(VECTOR, _as_typed(chosen), _as_typed(other)), generate


def _element(target, builder, type_, array, row, col):
    """Pointer to an element of a contiguous array (rows, cols)."""
    made = target.make_array(type_)(target, builder, array)
    rows, width = (builder.extract_value(made.shape, axis) for axis in (0, 1))
    first = builder.add(builder.mul(row, width), col)
    if _CHECKED:
        # Doubles are exact; floats and bytes have room behind, see `with_room`.
        room = 0 if type_.dtype == types.float64 else LANES
        size = builder.add(builder.mul(rows, width), ir.Constant(first.type, room - LANES))
        outside = builder.or_(
            builder.icmp_signed(
                "<", builder.select(builder.icmp_signed("<", row, col), row, col), ir.Constant(first.type, 0)
            ),
            builder.icmp_signed(">", first, size),
        )
        with builder.if_then(outside, likely=False):
            trap = builder.module.globals.get("llvm.trap") or ir.Function(
                builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.trap"
            )
            builder.call(trap, [])
    return builder.gep(made.data, [first])


def _loaded(builder, pointer, element):
    vector = ir.VectorType(element, LANES)
    value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
    # An array's elements are aligned, its vectors are not.
    value.align = _BYTES[element]
    if element == _BYTE:
        return builder.uitofp(value, _VECTOR)
    return value if element == _DOUBLE else builder.fpext(value, _VECTOR)


@intrinsic
def load(context, array, row, col):
    """Four neighbours of a row, the first at column `col`, from a contiguous array of doubles, floats or bytes."""

    def generate(target, builder, signature, values):
        element = target.get_data_type(signature.args[0].dtype)
        return _loaded(builder, _element(target, builder, signature.args[0], *values), element)

    return VECTOR(array, types.intp, types.intp), generate


def _stored(added):
    @intrinsic
    def write(context, array, row, col, vector):
        def generate(target, builder, signature, values):
            pointer = _element(target, builder, signature.args[0], *values[:3])
            value = values[3]
            if added:
                value = builder.fadd(_loaded(builder, pointer, _DOUBLE), value, flags=_FLAGS)
            stored = builder.store(value, builder.bitcast(pointer, _VECTOR.as_pointer()))
            stored.align = 8
            return target.get_dummy_value()

        return types.none(array, types.intp, types.intp, VECTOR), generate

    return write


store = _stored(added=False)
add_to = _stored(added=True)
