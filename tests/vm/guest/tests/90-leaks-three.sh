# SPDX-License-Identifier: MIT
# The same after the tests of another boot.
# vm: chips=3 needs=driver timeout=300
. /tests/90-leaks.sh
