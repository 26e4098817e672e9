// SPDX-License-Identifier: MIT
//
// Scratch SRAM and its arbiter: one read and one write port, shared by seq, dma, tile and vec in
// this order of priority. A request is accepted in the cycle it is made unless a client before it
// makes one too. Read data is there the cycle after acceptance and stays until the same client's next
// accepted read, whatever the others do. A read accepted in the cycle after a write sees it.

module ig1_scratch #(
  parameter int unsigned ScratchBytes = 524288,
  parameter int unsigned Lanes        = 32,
  localparam int unsigned MemW        = 32 * Lanes
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             seq_rd_valid_i,
  output logic             seq_rd_ready_o,
  input  logic [31:0]      seq_rd_addr_i,
  output logic [MemW-1:0]  seq_rd_data_o,
  input  logic             seq_wr_valid_i,
  output logic             seq_wr_ready_o,
  input  logic [31:0]      seq_wr_addr_i,
  input  logic [MemW-1:0]  seq_wr_data_i,
  input  logic [Lanes-1:0] seq_wr_mask_i,

  input  logic             dma_rd_valid_i,
  output logic             dma_rd_ready_o,
  input  logic [31:0]      dma_rd_addr_i,
  output logic [MemW-1:0]  dma_rd_data_o,
  input  logic             dma_wr_valid_i,
  output logic             dma_wr_ready_o,
  input  logic [31:0]      dma_wr_addr_i,
  input  logic [MemW-1:0]  dma_wr_data_i,
  input  logic [Lanes-1:0] dma_wr_mask_i,

  input  logic             tile_rd_valid_i,
  output logic             tile_rd_ready_o,
  input  logic [31:0]      tile_rd_addr_i,
  output logic [MemW-1:0]  tile_rd_data_o,
  input  logic             tile_wr_valid_i,
  output logic             tile_wr_ready_o,
  input  logic [31:0]      tile_wr_addr_i,
  input  logic [MemW-1:0]  tile_wr_data_i,
  input  logic [Lanes-1:0] tile_wr_mask_i,

  input  logic             vec_rd_valid_i,
  output logic             vec_rd_ready_o,
  input  logic [31:0]      vec_rd_addr_i,
  output logic [MemW-1:0]  vec_rd_data_o,
  input  logic             vec_wr_valid_i,
  output logic             vec_wr_ready_o,
  input  logic [31:0]      vec_wr_addr_i,
  input  logic [MemW-1:0]  vec_wr_data_i,
  input  logic [Lanes-1:0] vec_wr_mask_i
);
  typedef enum logic [1:0] {
    OwnerSeq,
    OwnerDma,
    OwnerTile,
    OwnerVec
  } owner_e;

  // --- read ---

  logic            rd_valid;
  logic [31:0]     rd_addr;
  logic [MemW-1:0] rd_data;
  owner_e          rd_owner, rd_owner_q;

  assign seq_rd_ready_o  = 1'b1;
  assign dma_rd_ready_o  = !seq_rd_valid_i;
  assign tile_rd_ready_o = !seq_rd_valid_i && !dma_rd_valid_i;
  assign vec_rd_ready_o  = !seq_rd_valid_i && !dma_rd_valid_i && !tile_rd_valid_i;

  assign rd_valid = seq_rd_valid_i || dma_rd_valid_i || tile_rd_valid_i || vec_rd_valid_i;

  always_comb begin
    rd_owner = OwnerVec;
    rd_addr  = vec_rd_addr_i;
    if (seq_rd_valid_i) begin
      rd_owner = OwnerSeq;
      rd_addr  = seq_rd_addr_i;
    end else if (dma_rd_valid_i) begin
      rd_owner = OwnerDma;
      rd_addr  = dma_rd_addr_i;
    end else if (tile_rd_valid_i) begin
      rd_owner = OwnerTile;
      rd_addr  = tile_rd_addr_i;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)       rd_owner_q <= OwnerSeq;
    else if (rd_valid) rd_owner_q <= rd_owner;
  end

  // what a client read last, once another one reads
  logic            rd_leaves;
  logic [MemW-1:0] seq_hold_q, dma_hold_q, tile_hold_q, vec_hold_q;

  assign rd_leaves = rd_valid && (rd_owner != rd_owner_q);

  always_ff @(posedge clk_i) begin
    if (rd_leaves) begin
      case (rd_owner_q)
        OwnerSeq:  seq_hold_q  <= rd_data;
        OwnerDma:  dma_hold_q  <= rd_data;
        OwnerTile: tile_hold_q <= rd_data;
        default:   vec_hold_q  <= rd_data;
      endcase
    end
  end

  assign seq_rd_data_o  = (rd_owner_q == OwnerSeq)  ? rd_data : seq_hold_q;
  assign dma_rd_data_o  = (rd_owner_q == OwnerDma)  ? rd_data : dma_hold_q;
  assign tile_rd_data_o = (rd_owner_q == OwnerTile) ? rd_data : tile_hold_q;
  assign vec_rd_data_o  = (rd_owner_q == OwnerVec)  ? rd_data : vec_hold_q;

  // --- write ---

  logic             wr_valid;
  logic [31:0]      wr_addr;
  logic [MemW-1:0]  wr_data;
  logic [Lanes-1:0] wr_mask;

  assign seq_wr_ready_o  = 1'b1;
  assign dma_wr_ready_o  = !seq_wr_valid_i;
  assign tile_wr_ready_o = !seq_wr_valid_i && !dma_wr_valid_i;
  assign vec_wr_ready_o  = !seq_wr_valid_i && !dma_wr_valid_i && !tile_wr_valid_i;

  assign wr_valid = seq_wr_valid_i || dma_wr_valid_i || tile_wr_valid_i || vec_wr_valid_i;

  always_comb begin
    wr_addr = vec_wr_addr_i;
    wr_data = vec_wr_data_i;
    wr_mask = vec_wr_mask_i;
    if (seq_wr_valid_i) begin
      wr_addr = seq_wr_addr_i;
      wr_data = seq_wr_data_i;
      wr_mask = seq_wr_mask_i;
    end else if (dma_wr_valid_i) begin
      wr_addr = dma_wr_addr_i;
      wr_data = dma_wr_data_i;
      wr_mask = dma_wr_mask_i;
    end else if (tile_wr_valid_i) begin
      wr_addr = tile_wr_addr_i;
      wr_data = tile_wr_data_i;
      wr_mask = tile_wr_mask_i;
    end
  end

  prim_scratch_ram #(
    .Bytes(ScratchBytes),
    .Lanes(Lanes)
  ) u_ram (
    .clk_i    (clk_i),
    .rd_i     (rd_valid),
    .rd_addr_i(rd_addr),
    .rd_data_o(rd_data),
    .wr_i     (wr_valid),
    .wr_addr_i(wr_addr),
    .wr_mask_i(wr_mask),
    .wr_data_i(wr_data)
  );

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  // Valid waits for ready with a stable payload. Seq never waits.
  DmaReadStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    dma_rd_valid_i && !dma_rd_ready_o |=> dma_rd_valid_i && $stable(dma_rd_addr_i))
    else $error("dma withdrew a read");
  DmaWriteStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    dma_wr_valid_i && !dma_wr_ready_o |=> dma_wr_valid_i && $stable(dma_wr_addr_i))
    else $error("dma withdrew a write");
  TileReadStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    tile_rd_valid_i && !tile_rd_ready_o |=> tile_rd_valid_i && $stable(tile_rd_addr_i))
    else $error("tile withdrew a read");
  TileWriteStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    tile_wr_valid_i && !tile_wr_ready_o |=> tile_wr_valid_i && $stable(tile_wr_addr_i))
    else $error("tile withdrew a write");
  VecReadStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    vec_rd_valid_i && !vec_rd_ready_o |=> vec_rd_valid_i && $stable(vec_rd_addr_i))
    else $error("vec withdrew a read");
  VecWriteStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    vec_wr_valid_i && !vec_wr_ready_o |=> vec_wr_valid_i && $stable(vec_wr_addr_i))
    else $error("vec withdrew a write");
`endif
endmodule
