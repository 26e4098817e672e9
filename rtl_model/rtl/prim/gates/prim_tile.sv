// SPDX-License-Identifier: MIT
//
// One tile: Rows rows that share the columns' broadcast. Tile t of the array has rows t, t +
// Tiles, ..

module prim_tile #(
  parameter int unsigned Rows    = 8,
  parameter int unsigned Columns = 8,
  parameter int unsigned KvSlots = 1
) (
  input  logic                   clk_i,
  input  logic [7:0]             chip_i,
  input  logic [Rows-1:0]        rom_rd_i,
  input  logic [40*Rows-1:0]     rom_addr_i,
  input  prim_tile_pkg::step_t   step1_i,
  input  prim_tile_pkg::step_t   step2_i,
  input  logic [256*Rows-1:0]    kv_w_i,
  input  logic [32*Rows-1:0]     kv_scale_i,
  input  logic [256*Columns-1:0] x0_i,
  input  logic [256*Columns-1:0] x1_i,
  input  logic [32*Columns-1:0]  xs0_i,
  input  logic [32*Columns-1:0]  xs1_i,
  input  logic [7:0]             out_col_i,
  input  logic [4:0]             out_slot_i,
  output logic [32*Rows-1:0]     y_o
);
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    prim_tile_row #(
      .Columns(Columns),
      .KvSlots(KvSlots)
    ) u_row (
      .clk_i     (clk_i),
      .chip_i    (chip_i),
      .rom_rd_i  (rom_rd_i[r]),
      .rom_addr_i(rom_addr_i[40*r+:40]),
      .step1_i   (step1_i),
      .step2_i   (step2_i),
      .kv_w_i    (kv_w_i[256*r+:256]),
      .kv_scale_i(kv_scale_i[32*r+:32]),
      .x0_i      (x0_i),
      .x1_i      (x1_i),
      .xs0_i     (xs0_i),
      .xs1_i     (xs1_i),
      .out_col_i (out_col_i),
      .out_slot_i(out_slot_i),
      .y_o       (y_o[32*r+:32])
    );
  end
endmodule
