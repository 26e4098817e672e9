// SPDX-License-Identifier: MIT
//
// A * b + c, both rounded: C body of gates/prim_fp32_mad.sv.

module prim_fp32_mad (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  input  logic [31:0] c_i,
  output logic [31:0] y_o
);
  import "DPI-C" pure function int unsigned ig1_dpi_fp32_mad(
    input int unsigned a,
    input int unsigned b,
    input int unsigned c
  );

  assign y_o = ig1_dpi_fp32_mad(a_i, b_i, c_i);
endmodule
