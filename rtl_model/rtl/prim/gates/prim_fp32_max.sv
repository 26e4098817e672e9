// SPDX-License-Identifier: MIT
//
// The greater of two: -0 < +0, subnormals are zeros, NaN if either is. Combinational.
// C twin: ig1_max().

module prim_fp32_max (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);
  logic        nan;
  logic [31:0] a, b;
  logic        b_greater;

  assign nan = ((a_i[30:23] == 8'hff) && (a_i[22:0] != 23'h0)) ||
               ((b_i[30:23] == 8'hff) && (b_i[22:0] != 23'h0));

  assign a = {a_i[31], (a_i[30:23] == 8'h00) ? 31'h0 : a_i[30:0]};
  assign b = {b_i[31], (b_i[30:23] == 8'h00) ? 31'h0 : b_i[30:0]};

  always_comb begin
    unique case ({a[31], b[31]})
      2'b00:   b_greater = b[30:0] > a[30:0];
      2'b11:   b_greater = b[30:0] < a[30:0];
      default: b_greater = a[31];
    endcase
    y_o = b_greater ? b : a;
    if (nan) y_o = ig1_numbers_pkg::F32Nan;
  end
endmodule
