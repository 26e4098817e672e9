// SPDX-License-Identifier: MIT
// Range of a strided operand: base + sum of (n-1)*step over three levels, plus tail, inside
// [0, limit)? Counts are 1..2^24, steps below 2^34 in magnitude: 64-bit sums cannot overflow.

module ig1_seq_range (
    input  logic              en_i,    // low: nothing is computed
    input  logic       [63:0] base_i,
    input  logic  [2:0][24:0] n_i,
    input  logic  [2:0][39:0] step_i,
    input  logic       [39:0] tail_i,
    input  logic       [63:0] limit_i,
    output logic              bad_o,
    output logic       [63:0] low_o    // lowest byte, modulo 2^64
);
  logic signed [63:0] span, lo, hi;
  always_comb begin
    lo = '0;
    hi = $signed({24'b0, tail_i});
    span = '0;
    if (en_i) for (int unsigned k = 0; k < 3; k++) begin
      span = $signed({39'b0, n_i[k] - 25'd1}) * $signed({{24{step_i[k][39]}}, step_i[k]});
      if (span < 0) lo += span;
      else hi += span;
    end
  end
  assign low_o = base_i + $unsigned(lo);
  // limit is far below 2^63, so a base within it makes the sums meaningful
  assign bad_o = base_i > limit_i || $signed(base_i) + lo < 0 ||
      $unsigned(hi) > limit_i - base_i;
endmodule
