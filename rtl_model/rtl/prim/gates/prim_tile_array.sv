// SPDX-License-Identifier: MIT
//
// The tile array: Tiles x Rows rows by Columns columns of group dot products, the column buffer and
// the KV buffer. A step per cycle (prim_tile_pkg::step_t), never stalled. Results of the step with
// `last` can be read StepLatency cycles later, until the next such step's results replace them.
//
// Reading out: out_rd_i picks the results of Lanes rows of a column, from a row that is a multiple
// of Lanes; in one of the following cycles, before the next out_rd_i, out_fin_i finishes them as
// t.mm stores them (out_old_i: what is there now); out_y_o follows and stays until the next
// out_fin_i.

module prim_tile_array #(
  parameter int unsigned Tiles     = 8,
  parameter int unsigned Rows      = 8,
  parameter int unsigned Columns   = 8,
  parameter int unsigned Lanes     = 32,
  parameter int unsigned ColGroups = 512
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [7:0]           chip_i,

  input  logic                 x_we_i,
  input  logic                 x_scales_i,
  input  logic [7:0]           x_col_i,
  input  logic [15:0]          x_group_i,
  input  logic [32*Lanes-1:0]  x_data_i,

  input  logic                 kv_we_i,
  input  logic                 kv_scales_i,
  input  logic                 kv_buffer_i,
  input  logic [9:0]           kv_offset_i,
  input  logic [32*Lanes-1:0]  kv_data_i,

  input  prim_tile_pkg::step_t step_i,

  input  logic                 out_rd_i,
  input  logic [7:0]           out_col_i,
  input  logic [15:0]          out_row_i,
  input  logic                 out_fin_i,
  input  logic                 out_scaled_i,
  input  logic                 out_acc_i,
  input  logic [31:0]          out_alpha_i,
  input  logic [32*Lanes-1:0]  out_old_i,
  output logic [32*Lanes-1:0]  out_y_o
);
  localparam int unsigned Units   = Tiles * Rows;
  localparam int unsigned KvUnits = (Units < 32) ? Units : 32;
  localparam int unsigned KvSlots = 32 / KvUnits;

  // --- steps through the pipeline ---

  prim_tile_pkg::step_t step1_q, step2_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      step1_q <= '0;
      step2_q <= '0;
    end else begin
      step1_q <= step_i;
      step2_q <= step1_q;
    end
  end

  // --- columns ---

  logic [256*Columns-1:0] x0, x1;
  logic [32*Columns-1:0]  xs0, xs1;

  for (genvar c = 0; c < Columns; c++) begin : gen_col
    prim_tile_cols #(
      .Lanes    (Lanes),
      .ColGroups(ColGroups)
    ) u_cols (
      .clk_i      (clk_i),
      .we_i       (x_we_i && (x_col_i == 8'(c))),
      .wr_scales_i(x_scales_i),
      .wr_group_i (x_group_i),
      .wr_data_i  (x_data_i),
      .rd_i       (step_i.valid),
      .rd_group_i (step_i.group),
      .x0_o       (x0[256*c+:256]),
      .x1_o       (x1[256*c+:256]),
      .xs0_o      (xs0[32*c+:32]),
      .xs1_o      (xs1[32*c+:32])
    );
  end

  logic [256*KvUnits-1:0] kv_w;
  logic [32*KvUnits-1:0]  kv_scale;

  prim_tile_kv #(
    .Lanes(Lanes),
    .Units(KvUnits)
  ) u_kv (
    .clk_i      (clk_i),
    .we_i       (kv_we_i),
    .wr_scales_i(kv_scales_i),
    .wr_buffer_i(kv_buffer_i),
    .wr_offset_i(kv_offset_i),
    .wr_data_i  (kv_data_i),
    .step_i     (step_i),
    .w_o        (kv_w),
    .scale_o    (kv_scale)
  );

  // --- tiles: row o of a pass is row o / Tiles of tile o mod Tiles ---

  logic [32*Units-1:0] y;
  logic [7:0]          out_col;
  logic [4:0]          out_slot;

  assign out_col  = out_col_i;
  assign out_slot = 5'(32'(out_row_i) / Units);

  for (genvar t = 0; t < Tiles; t++) begin : gen_tile
    logic [Rows-1:0]     rom_rd;
    logic [40*Rows-1:0]  rom_addr;
    logic [256*Rows-1:0] w;
    logic [32*Rows-1:0]  scale, tile_y;

    for (genvar r = 0; r < Rows; r++) begin : gen_row
      localparam int unsigned O = r * Tiles + t;

      assign rom_rd[r]           = step_i.valid && !step_i.kv && (16'(O) < step_i.rows);
      assign rom_addr[40*r+:40]  = step_i.addr + 40'(O) * {8'h0, step_i.wstride};
      assign w[256*r+:256]       = (O < KvUnits) ? kv_w[256*(O%KvUnits)+:256] : 256'h0;
      assign scale[32*r+:32]     = (O < KvUnits) ? kv_scale[32*(O%KvUnits)+:32] : 32'h0;
      assign y[32*O+:32]         = tile_y[32*r+:32];
    end

    prim_tile #(
      .Rows   (Rows),
      .Columns(Columns),
      .KvSlots(KvSlots)
    ) u_tile (
      .clk_i     (clk_i),
      .chip_i    (chip_i),
      .rom_rd_i  (rom_rd),
      .rom_addr_i(rom_addr),
      .step1_i   (step1_q),
      .step2_i   (step2_q),
      .kv_w_i    (w),
      .kv_scale_i(scale),
      .x0_i      (x0),
      .x1_i      (x1),
      .xs0_i     (xs0),
      .xs1_i     (xs1),
      .out_col_i (out_col),
      .out_slot_i(out_slot),
      .y_o       (tile_y)
    );
  end

  // --- reading out ---

  localparam int unsigned Parts = Units / Lanes;

  logic [32*Lanes-1:0] picked, sums_q, finished, out_q;

  always_comb begin
    picked = y[32*Lanes-1:0];
    for (int unsigned p = 1; p < Parts; p++) begin
      if ((32'(out_row_i) % Units) / Lanes == p) picked = y[32*Lanes*p+:32*Lanes];
    end
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [31:0] v, scaled, sum;

    assign v = sums_q[32*i+:32];

    prim_fp32_mul u_mul (
      .a_i(v),
      .b_i(out_alpha_i),
      .y_o(scaled)
    );
    prim_fp32_add u_add (
      .a_i(out_old_i[32*i+:32]),
      .b_i(out_scaled_i ? scaled : v),
      .y_o(sum)
    );
    assign finished[32*i+:32] = out_acc_i ? sum : (out_scaled_i ? scaled : v);
  end

  always_ff @(posedge clk_i) begin
    if (out_rd_i) sums_q <= picked;
    if (out_fin_i) out_q <= finished;
  end

  assign out_y_o = out_q;

  if ((Units % Lanes != 0) || (32 % KvUnits != 0) || (ColGroups % Lanes != 0)) begin : gen_check
    $error("the array's rows must be a multiple of the lanes and divide 32 or be a multiple of it");
  end
endmodule
