// SPDX-License-Identifier: MIT
//
// Constant ROM of chip `chip_i`: Lanes consecutive words from any word address, one access per
// cycle, data after the clock edge until the next access. Bytes outside the mask read as zero.
// The contents live outside the model, so both kinds of build use this body.

module prim_crom #(
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic [7:0]          chip_i,
  input  logic                rd_i,
  input  logic [31:0]         addr_i,
  output logic [32*Lanes-1:0] data_o
);
  logic [32*Lanes-1:0] data_q;

  always_ff @(posedge clk_i) begin
    if (rd_i) begin
      /* verilator lint_off UNUSEDSIGNAL */  // fewer lanes use the low part
      automatic bit [prim_dpi_pkg::DpiWidth-1:0] data;
      /* verilator lint_on UNUSEDSIGNAL */
      prim_dpi_pkg::ig1_dpi_crom_read(chip_i, addr_i, Lanes, data);
      data_q <= data[32*Lanes-1:0];
    end
  end

  assign data_o = data_q;
endmodule
