// SPDX-License-Identifier: MIT
//
// One row's read port into the weight ROM of chip `chip_i`: 36 bytes from an even address, data
// after the clock edge until the next access. Bytes outside the mask read as zero. The contents
// live outside the model, so only their use is in gates.

module prim_rom_word (
  input  logic         clk_i,
  input  logic [7:0]   chip_i,
  input  logic         rd_i,
  input  logic [39:0]  addr_i,
  output logic [287:0] data_o
);
  logic [287:0] data_q;

  always_ff @(posedge clk_i) begin
    if (rd_i) begin
      automatic bit [287:0] data;
      prim_dpi_pkg::ig1_dpi_rom_word(chip_i, {24'h0, addr_i}, 36, data);
      data_q <= data;
    end
  end

  assign data_o = data_q;
endmodule
