// SPDX-License-Identifier: MIT
//
// Tile engine with a scratch; the bench has the command port, the memory port and the scratch's
// first client port.

module tb_tile #(
  parameter int unsigned Tiles        = 8,
  parameter int unsigned Rows         = 8,
  parameter int unsigned Columns      = 8,
  parameter int unsigned Lanes        = 32,
  parameter int unsigned ColGroups    = 512,
  parameter int unsigned ScratchBytes = 524288,
  localparam int unsigned MemW        = 32 * Lanes
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [7:0]       chip_i,
  input  logic             cmd_valid_i,
  output logic             cmd_ready_o,
  input  logic [1023:0]    cmd_i,
  output logic             done_o,
  output logic [7:0]       fault_o,
  output logic [63:0]      fault_addr_o,
  input  logic             abort_i,
  output logic [31:0]      stat_macs_o,
  output logic [31:0]      stat_rom_bytes_o,
  output logic [31:0]      stat_kv_bytes_o,

  output logic             req_valid_o,
  input  logic             req_ready_i,
  output logic             req_we_o,
  output logic [63:0]      req_va_o,
  output logic [7:0]       req_bytes_o,
  input  logic             rsp_valid_i,
  input  logic [MemW-1:0]  rsp_data_i,
  input  logic [7:0]       rsp_fault_i,

  input  logic             rd_valid_i,
  input  logic [31:0]      rd_addr_i,
  output logic [MemW-1:0]  rd_data_o,
  input  logic             wr_valid_i,
  input  logic [31:0]      wr_addr_i,
  input  logic [MemW-1:0]  wr_data_i,
  input  logic [Lanes-1:0] wr_mask_i
);
  logic             tile_rd_valid, tile_rd_ready, tile_wr_valid, tile_wr_ready;
  logic [31:0]      tile_rd_addr, tile_wr_addr;
  logic [MemW-1:0]  tile_rd_data, tile_wr_data, req_data;
  logic [Lanes-1:0] tile_wr_mask;

  // nothing is written to memory
  logic unused_req_data;
  assign unused_req_data = ^req_data;

  ig1_tile #(
    .Tiles    (Tiles),
    .Rows     (Rows),
    .Columns  (Columns),
    .Lanes    (Lanes),
    .ColGroups(ColGroups)
  ) u_tile (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .chip_i          (chip_i),
    .cmd_valid_i     (cmd_valid_i),
    .cmd_ready_o     (cmd_ready_o),
    .cmd_i           (cmd_i),
    .done_o          (done_o),
    .fault_o         (fault_o),
    .fault_addr_o    (fault_addr_o),
    .abort_i         (abort_i),
    .stat_macs_o     (stat_macs_o),
    .stat_rom_bytes_o(stat_rom_bytes_o),
    .stat_kv_bytes_o (stat_kv_bytes_o),
    .rd_valid_o      (tile_rd_valid),
    .rd_ready_i      (tile_rd_ready),
    .rd_addr_o       (tile_rd_addr),
    .rd_data_i       (tile_rd_data),
    .wr_valid_o      (tile_wr_valid),
    .wr_ready_i      (tile_wr_ready),
    .wr_addr_o       (tile_wr_addr),
    .wr_data_o       (tile_wr_data),
    .wr_mask_o       (tile_wr_mask),
    .req_valid_o     (req_valid_o),
    .req_ready_i     (req_ready_i),
    .req_we_o        (req_we_o),
    .req_va_o        (req_va_o),
    .req_bytes_o     (req_bytes_o),
    .req_data_o      (req_data),
    .rsp_valid_i     (rsp_valid_i),
    .rsp_data_i      (rsp_data_i),
    .rsp_fault_i     (rsp_fault_i)
  );

  /* verilator lint_off PINCONNECTEMPTY */  // the bench's port never waits, two have no client
  ig1_scratch #(
    .ScratchBytes(ScratchBytes),
    .Lanes       (Lanes)
  ) u_scratch (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .seq_rd_valid_i (rd_valid_i),
    .seq_rd_ready_o (),
    .seq_rd_addr_i  (rd_addr_i),
    .seq_rd_data_o  (rd_data_o),
    .seq_wr_valid_i (wr_valid_i),
    .seq_wr_ready_o (),
    .seq_wr_addr_i  (wr_addr_i),
    .seq_wr_data_i  (wr_data_i),
    .seq_wr_mask_i  (wr_mask_i),
    .dma_rd_valid_i (1'b0),
    .dma_rd_ready_o (),
    .dma_rd_addr_i  (32'h0),
    .dma_rd_data_o  (),
    .dma_wr_valid_i (1'b0),
    .dma_wr_ready_o (),
    .dma_wr_addr_i  (32'h0),
    .dma_wr_data_i  ('0),
    .dma_wr_mask_i  ('0),
    .tile_rd_valid_i(tile_rd_valid),
    .tile_rd_ready_o(tile_rd_ready),
    .tile_rd_addr_i (tile_rd_addr),
    .tile_rd_data_o (tile_rd_data),
    .tile_wr_valid_i(tile_wr_valid),
    .tile_wr_ready_o(tile_wr_ready),
    .tile_wr_addr_i (tile_wr_addr),
    .tile_wr_data_i (tile_wr_data),
    .tile_wr_mask_i (tile_wr_mask),
    .vec_rd_valid_i (1'b0),
    .vec_rd_ready_o (),
    .vec_rd_addr_i  (32'h0),
    .vec_rd_data_o  (),
    .vec_wr_valid_i (1'b0),
    .vec_wr_ready_o (),
    .vec_wr_addr_i  (32'h0),
    .vec_wr_data_i  ('0),
    .vec_wr_mask_i  ('0)
  );
  /* verilator lint_on PINCONNECTEMPTY */
endmodule
