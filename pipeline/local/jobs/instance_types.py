"""How many vCPUs and how much memory an instance type has.

Source: the EC2 instance type tables; SageMaker's types are EC2's with `ml.` before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_VCPUS = {"medium": 2, "large": 2, "xlarge": 4}  # then 2xlarge 8, 4xlarge 16, ...
_GIB_PER_VCPU = {"c": 2, "m": 4, "r": 8, "g": 4}
_GIB_OF_T3 = {"medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}


@dataclass(frozen=True)
class Size:
    vcpus: int
    memory_gib: int


def size_of(instance_type: str) -> Size:
    """Raises ValueError for a type outside of the families t3, c, m, r and g."""
    found = re.fullmatch(r"ml\.(t3|[cmrg]\d+[a-z]*)\.((\d*)x?(?:medium|large))", instance_type)
    if found:
        family, size, times = found.groups()
        vcpus = 4 * int(times) if times else _VCPUS.get(size, 0)
        if family == "t3" and size in _GIB_OF_T3:
            return Size(vcpus, _GIB_OF_T3[size])
        if family != "t3" and size != "medium" and vcpus:
            return Size(vcpus, vcpus * _GIB_PER_VCPU[family[0]])
    raise ValueError(f"the size of {instance_type} is not known here; t3, c, m, r and g types are")
