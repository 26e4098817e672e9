// SPDX-License-Identifier: MIT
//
// Two's complement integer of 2 to 32 bits to fp32: C body of gates/prim_i2f.sv.

module prim_i2f #(
  parameter int unsigned Width = 21
) (
  input  logic [Width-1:0] x_i,
  output logic [31:0]      y_o
);
  import "DPI-C" pure function int unsigned ig1_dpi_i2f(input int x);

  assign y_o = ig1_dpi_i2f(32'($signed(x_i)));
endmodule
