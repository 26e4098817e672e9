// SPDX-License-Identifier: MIT
//
// Dequantised elements of a block of the weight ROM, body in C. Contract: prim/gates.

module prim_rom_deq #(
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic [7:0]          chip_i,
  input  logic                rd_i,
  input  logic [39:0]         addr_i,
  input  ig1_pkg::wfmt_e      fmt_i,
  input  logic [4:0]          first_i,
  output logic [32*Lanes-1:0] y_o
);
  import prim_dpi_pkg::*;

  logic [32*Lanes-1:0] y_q;

  always_ff @(posedge clk_i) begin
    if (rd_i) begin
      /* verilator lint_off UNUSEDSIGNAL */  // fewer lanes use the low part
      automatic bit [DpiWidth-1:0] y;
      /* verilator lint_on UNUSEDSIGNAL */
      ig1_dpi_rom_deq(chip_i, {24'h0, addr_i}, {4'h0, fmt_i}, {27'h0, first_i}, Lanes, y);
      y_q <= y[32*Lanes-1:0];
    end
  end

  assign y_o = y_q;
endmodule
