# SPDX-License-Identifier: MIT
# The same after the tests of another boot.
# vm: chips=1 needs=driver timeout=300 mask=toy
. /tests/90-leaks.sh
