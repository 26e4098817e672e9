# SPDX-License-Identifier: MIT
# What accel-accuracy must hold a model to, by its file's name: source it, call `bounds NAME`.
bounds() {
	case $1 in
	*Q4_0* | *Q4_K*) echo "--max-ratio 1.01 --min-top1 0.95" ;;
	*) echo "--max-ratio 1.01 --min-top1 0.97" ;;
	esac
}
