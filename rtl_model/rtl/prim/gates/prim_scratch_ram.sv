// SPDX-License-Identifier: MIT
//
// Scratch memory: Lanes banks of 32-bit words, word w in bank w mod Lanes, so that any Lanes
// consecutive words are one access. One read and one write port. Read data appears after the edge
// and stays until the next read; a read in the cycle of a write to the same word gets the old
// value. Words past the end read as zero and are not written.

module prim_scratch_ram #(
  parameter int unsigned Bytes = 524288,
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic                rd_i,
  input  logic [31:0]         rd_addr_i,
  output logic [32*Lanes-1:0] rd_data_o,
  input  logic                wr_i,
  input  logic [31:0]         wr_addr_i,
  input  logic [Lanes-1:0]    wr_mask_i,
  input  logic [32*Lanes-1:0] wr_data_i
);
  localparam int unsigned Depth    = Bytes / (4 * Lanes);
  localparam int unsigned LaneBits = $clog2(Lanes);
  localparam int unsigned RowBits  = 30 - LaneBits;
  localparam int unsigned IdxBits  = $clog2(Depth);

  logic [LaneBits-1:0] rd_rot_q;
  logic [32*Lanes-1:0] rd_banks, wr_banks;
  logic [Lanes-1:0]    wr_bank_mask;

  logic [LaneBits-1:0] rd_lane, wr_lane;
  logic [RowBits-1:0]  rd_row, wr_row;

  assign rd_lane = rd_addr_i[2+:LaneBits];
  assign rd_row  = rd_addr_i[31-:RowBits];
  assign wr_lane = wr_addr_i[2+:LaneBits];
  assign wr_row  = wr_addr_i[31-:RowBits];

  // lane i of an access is bank (i + lane of the address) mod Lanes
  assign wr_banks     = (32*Lanes)'(({2{wr_data_i}} << {wr_lane, 5'h0}) >> (32 * Lanes));
  assign wr_bank_mask = Lanes'(({2{wr_mask_i}} << wr_lane) >> Lanes);

  for (genvar b = 0; b < Lanes; b++) begin : gen_bank
    logic [31:0]        mem_q [0:Depth-1];
    logic [31:0]        data_q;
    logic [RowBits-1:0] r, w;

    // banks below the first lane hold the words of the next row
    assign r = rd_row + RowBits'((LaneBits+1)'(b) < {1'b0, rd_lane});
    assign w = wr_row + RowBits'((LaneBits+1)'(b) < {1'b0, wr_lane});

    always_ff @(posedge clk_i) begin
      if (rd_i) data_q <= (r < RowBits'(Depth)) ? mem_q[r[IdxBits-1:0]] : 32'h0;
      if (wr_i && wr_bank_mask[b] && (w < RowBits'(Depth))) begin
        mem_q[w[IdxBits-1:0]] <= wr_banks[32*b+:32];
      end
    end

    assign rd_banks[32*b+:32] = data_q;
  end

  always_ff @(posedge clk_i) begin
    if (rd_i) rd_rot_q <= rd_lane;
  end

  assign rd_data_o = (32*Lanes)'({2{rd_banks}} >> {rd_rot_q, 5'h0});

`ifndef SYNTHESIS
  ReadAligned_A: assert property (@(posedge clk_i) rd_i |-> rd_addr_i[1:0] == 2'b00)
    else $error("scratch read at %h", rd_addr_i);
  WriteAligned_A: assert property (@(posedge clk_i) wr_i |-> wr_addr_i[1:0] == 2'b00)
    else $error("scratch write at %h", wr_addr_i);
`endif
endmodule
