"""Any value that JSON can have, for tests that try many."""

from __future__ import annotations

from hypothesis import strategies as st

CANARY = "c4n4ry"
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", CANARY, f"{CANARY} {CANARY}", "Success", "1000035", "7", "-7", "٣", f"{CANARY}\ud83d"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["list", "a", "customerId"]), inner, max_size=3)
    ),
    max_leaves=5,
)
