// SPDX-License-Identifier: MIT
//
// Exact integer dot of one group of 32: C body of gates/prim_group_dot.sv.

module prim_group_dot (
  input  logic [255:0] x_i,
  input  logic [255:0] w_i,
  input  logic         q4_i,
  output logic [20:0]  sum_o
);
  import "DPI-C" pure function int ig1_dpi_group_dot(
    input bit [255:0] x,
    input bit [255:0] w,
    input bit q4
  );

  assign sum_o = 21'(ig1_dpi_group_dot(x_i, w_i, q4_i));
endmodule
