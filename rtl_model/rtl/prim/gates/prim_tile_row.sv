// SPDX-License-Identifier: MIT
//
// One row of a tile: its ROM port, one MAC per column, and the fixed tree over the eight partial
// sums of the column that is being read out.

module prim_tile_row #(
  parameter int unsigned Columns = 8,
  parameter int unsigned KvSlots = 1
) (
  input  logic                   clk_i,
  input  logic [7:0]             chip_i,
  input  logic                   rom_rd_i,
  input  logic [39:0]            rom_addr_i,
  input  prim_tile_pkg::step_t   step1_i,    // the ROM word is there
  input  prim_tile_pkg::step_t   step2_i,
  input  logic [255:0]           kv_w_i,
  input  logic [31:0]            kv_scale_i,
  input  logic [256*Columns-1:0] x0_i,
  input  logic [256*Columns-1:0] x1_i,
  input  logic [32*Columns-1:0]  xs0_i,
  input  logic [32*Columns-1:0]  xs1_i,
  input  logic [7:0]             out_col_i,
  input  logic [4:0]             out_slot_i,
  output logic [31:0]            y_o
);
  // verilator no_inline_module

  logic [287:0] word;
  logic [127:0] second;  // codes of a pair's second block
  logic [319:0] planes;
  logic [255:0] bytes;
  logic [31:0]  d0, d1, ws0;

  prim_rom_word u_rom (
    .clk_i (clk_i),
    .chip_i(chip_i),
    .rd_i  (rom_rd_i),
    .addr_i(rom_addr_i),
    .data_o(word)
  );
  prim_tile_scales u_scales (
    .fmt_i (step1_i.fmt),
    .word_i(word),
    .d0_o  (d0),
    .d1_o  (d1)
  );

  always_comb begin
    case (step1_i.fmt)
      ig1_pkg::WfmtT20: second = {64'h0, word[159:96]};
      ig1_pkg::WfmtB10: second = {96'h0, word[95:64]};
      default:          second = word[287:160];
    endcase
  end

  always_comb begin
    planes = '0;
    bytes  = kv_w_i;
    if (prim_tile_pkg::fmt_pair(step1_i.fmt)) begin
      prim_tile_gates_pkg::block_planes(step1_i.fmt, word[143:16], planes[127:0],
                                        planes[287:256]);
      prim_tile_gates_pkg::block_planes(step1_i.fmt, second, planes[255:128],
                                        planes[319:288]);
    end else begin
      if (!step1_i.kv) prim_tile_gates_pkg::group_bytes(step1_i.fmt, word, bytes);
      prim_tile_gates_pkg::planes_q8(bytes, planes[255:0]);
      // the second term's weights
      if (prim_tile_pkg::fmt_constant(step1_i.fmt)) planes[191:160] = '1;
    end
  end

  assign ws0 = step1_i.kv ? kv_scale_i : d0;

  logic [256*Columns-1:0] parts;
  logic [255:0]           p;

  for (genvar c = 0; c < Columns; c++) begin : gen_col
    prim_tile_mac #(
      .KvSlots(KvSlots)
    ) u_mac (
      .clk_i     (clk_i),
      .step1_i   (step1_i),
      .step2_i   (step2_i),
      .x0_i      (x0_i[256*c+:256]),
      .x1_i      (x1_i[256*c+:256]),
      .xs0_i     (xs0_i[32*c+:32]),
      .xs1_i     (xs1_i[32*c+:32]),
      .planes_i  (planes),
      .ws0_i     (ws0),
      .ws1_i     (d1),
      .out_slot_i(out_slot_i),
      .parts_o   (parts[256*c+:256])
    );
  end

  always_comb begin
    p = parts[255:0];
    for (int unsigned c = 1; c < Columns; c++) begin
      if (out_col_i == 8'(c)) p = parts[256*c+:256];
    end
  end

  logic [31:0] s01, s23, s45, s67, s03, s47;

  prim_fp32_add u_s01 (.a_i(p[31:0]), .b_i(p[63:32]), .y_o(s01));
  prim_fp32_add u_s23 (.a_i(p[95:64]), .b_i(p[127:96]), .y_o(s23));
  prim_fp32_add u_s45 (.a_i(p[159:128]), .b_i(p[191:160]), .y_o(s45));
  prim_fp32_add u_s67 (.a_i(p[223:192]), .b_i(p[255:224]), .y_o(s67));
  prim_fp32_add u_s03 (.a_i(s01), .b_i(s23), .y_o(s03));
  prim_fp32_add u_s47 (.a_i(s45), .b_i(s67), .y_o(s47));
  prim_fp32_add u_sum (.a_i(s03), .b_i(s47), .y_o(y_o));
endmodule
