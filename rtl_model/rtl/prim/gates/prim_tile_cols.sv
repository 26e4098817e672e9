// SPDX-License-Identifier: MIT
//
// Column buffer of one activation column: ColGroups groups of 32 int8 and their scales. Written a
// bus width at a time (whole groups, or Lanes scales, from a multiple of as many groups); read two
// neighbouring groups at a time, the first even if the second matters. Read data follows the edge.

module prim_tile_cols #(
  parameter int unsigned Lanes     = 32,
  parameter int unsigned ColGroups = 512
) (
  input  logic                clk_i,
  input  logic                we_i,
  input  logic                wr_scales_i,
  input  logic [15:0]         wr_group_i,
  input  logic [32*Lanes-1:0] wr_data_i,
  input  logic                rd_i,
  input  logic [15:0]         rd_group_i,
  output logic [255:0]        x0_o,
  output logic [255:0]        x1_o,
  output logic [31:0]         xs0_o,
  output logic [31:0]         xs1_o
);
  // verilator no_inline_module
  localparam int unsigned WriteGroups = Lanes / 8;
  localparam int unsigned Banks       = (WriteGroups < 2) ? 2 : WriteGroups;
  localparam int unsigned BankBits    = $clog2(Banks);
  localparam int unsigned Depth       = ColGroups / Banks;
  localparam int unsigned IdxBits     = (Depth > 1) ? $clog2(Depth) : 1;
  localparam int unsigned LaneBits    = $clog2(Lanes);
  localparam int unsigned SDepth      = ColGroups / Lanes;
  localparam int unsigned SIdxBits    = (SDepth > 1) ? $clog2(SDepth) : 1;

  logic [256*Banks-1:0] bank_data;
  logic [BankBits-1:0]  bank0, bank1;

  assign bank0 = rd_group_i[BankBits-1:0];
  assign bank1 = rd_group_i[BankBits-1:0] + BankBits'(1);

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    logic [255:0] mem_q [0:Depth-1];
    logic         we;

    assign we = we_i && !wr_scales_i &&
                ((WriteGroups == Banks) || (wr_group_i[BankBits-1:0] == BankBits'(b)));

    always_ff @(posedge clk_i) begin
      if (we) begin
        mem_q[wr_group_i[BankBits+:IdxBits]] <= wr_data_i[256*(b%WriteGroups)+:256];
      end
    end

    assign bank_data[256*b+:256] = mem_q[rd_group_i[BankBits+:IdxBits]];
  end

  logic [32*Lanes-1:0] scale_mem_q [0:SDepth-1];
  logic [32*Lanes-1:0] scale_row;

  always_ff @(posedge clk_i) begin
    if (we_i && wr_scales_i) scale_mem_q[wr_group_i[LaneBits+:SIdxBits]] <= wr_data_i;
  end

  assign scale_row = scale_mem_q[rd_group_i[LaneBits+:SIdxBits]];

  logic [LaneBits-1:0] lane0, lane1;

  assign lane0 = rd_group_i[LaneBits-1:0];
  assign lane1 = rd_group_i[LaneBits-1:0] + LaneBits'(1);

  always_ff @(posedge clk_i) begin
    if (rd_i) begin
      x0_o  <= bank_data[{bank0, 8'h0}+:256];
      x1_o  <= bank_data[{bank1, 8'h0}+:256];
      xs0_o <= scale_row[{lane0, 5'h0}+:32];
      xs1_o <= scale_row[{lane1, 5'h0}+:32];
    end
  end

  logic unused_group;
  assign unused_group = ^{wr_group_i, rd_group_i};
endmodule
