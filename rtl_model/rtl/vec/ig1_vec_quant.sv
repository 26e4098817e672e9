// SPDX-License-Identifier: MIT
//
// Chunks to int8 groups in scratch. Collects 32 elements (a row's last group is filled with zeros),
// has them quantised, gathers as many groups of a row as one write holds and then writes their
// bytes at y_addr_i and their scales at z_addr_i, stepping the addresses.

module ig1_vec_quant
  import ig1_vec_pkg::*;
#(
  parameter int unsigned Lanes = 32,
  localparam int unsigned MemW = 32 * Lanes,
  localparam int unsigned WriteGroups = MemW / 256  // groups of one write
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             clear_i,
  input  logic [24:0]      n0_i,       // elements of a row
  output logic             idle_o,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  chunk_t           chunk_i,
  input  logic [MemW-1:0]  data_i,

  output logic             y_valid_o,
  input  logic             y_ready_i,
  output logic [MemW-1:0]  y_data_o,
  output logic [Lanes-1:0] y_mask_o,
  output logic             z_valid_o,
  input  logic             z_ready_i,
  output logic [MemW-1:0]  z_data_o,
  output logic [Lanes-1:0] z_mask_o,
  output logic             row_o       // with the writes: the row ends with them
);
  localparam int unsigned Parts    = 32 / Lanes;  // chunks of a group
  localparam int unsigned PartBits = (Parts > 1) ? $clog2(Parts) : 1;

  // --- collect ---

  logic [PartBits-1:0] part_q, part_d;
  logic [1023:0]       group;
  logic [MemW-1:0]     masked;
  logic                group_valid, group_ready;

  for (genvar i = 0; i < Lanes; i++) begin : gen_mask
    assign masked[32*i+:32] = (6'(i) < chunk_i.n) ? data_i[32*i+:32] : 32'h0;
  end

  if (Parts == 1) begin : gen_direct
    assign group       = masked;
    assign group_valid = in_valid_i;
    assign in_ready_o  = group_ready;
    assign part_d      = '0;

    logic unused_part;
    assign unused_part = ^{part_q, chunk_i.last};
  end else begin : gen_collect
    logic [1023:0] held_q, held_d;
    logic          complete;

    assign complete    = chunk_i.last || (part_q == PartBits'(Parts - 1));
    assign group       = held_q | (1024'(masked) << (32'(part_q) * MemW));
    assign group_valid = in_valid_i && complete;
    assign in_ready_o  = !complete || group_ready;

    always_comb begin
      part_d = part_q;
      held_d = held_q;
      if (in_valid_i && in_ready_o) begin
        part_d = complete ? '0 : part_q + PartBits'(1);
        held_d = complete ? '0 : group;
      end
      if (clear_i) held_d = '0;
    end

    always_ff @(posedge clk_i) held_q <= held_d;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      part_q <= '0;
    else if (clear_i) part_q <= '0;
    else              part_q <= part_d;
  end

  // --- quantise ---

  logic         q_valid, q_ready, quant_idle;
  logic [255:0] q;
  logic [31:0]  scale;

  prim_quant32 u_quant (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .clear_i    (clear_i),
    .in_valid_i (group_valid),
    .in_ready_o (group_ready),
    .x_i        (group),
    .idle_o     (quant_idle),
    .out_valid_o(q_valid),
    .out_ready_i(q_ready),
    .q_o        (q),
    .scale_o    (scale)
  );

  // --- gather and write ---

  localparam int unsigned CntBits = $clog2(WriteGroups + 1);

  logic [24:0]            left_q, left_d;  // groups left in the row
  logic [24:0]            row_groups;
  logic [CntBits-1:0]     cnt_q, cnt_d, cnt_next;
  logic [MemW-1:0]        bytes_q, bytes_d;
  logic [32*WriteGroups-1:0] scales_q, scales_d;
  logic                   y_pend_q, y_pend_d, z_pend_q, z_pend_d;
  logic                   flush, take, row_end, row_q;
  logic [MemW-1:0]        y_data_q;
  logic [32*WriteGroups-1:0] z_data_q;
  logic [CntBits-1:0]     flush_cnt_q;
  logic                   writes_done;

  assign row_groups  = (n0_i + 25'd31) >> 5;
  assign row_end     = left_q == 25'd1;
  assign cnt_next    = cnt_q + CntBits'(1);
  assign flush       = q_valid && (row_end || (cnt_next == CntBits'(WriteGroups)));
  assign writes_done = !(y_pend_q && !y_ready_i) && !(z_pend_q && !z_ready_i);
  assign q_ready     = !flush || writes_done;
  assign take        = q_valid && q_ready;

  always_comb begin
    bytes_d  = bytes_q;
    scales_d = scales_q;
    cnt_d    = cnt_q;
    left_d   = left_q;
    y_pend_d = y_pend_q && !y_ready_i;
    z_pend_d = z_pend_q && !z_ready_i;
    if (take) begin
      bytes_d[32'(cnt_q)*256+:256] = q;
      scales_d[32'(cnt_q)*32+:32]  = scale;
      cnt_d  = flush ? '0 : cnt_next;
      left_d = row_end ? row_groups : left_q - 25'd1;
      if (flush) begin
        y_pend_d = 1'b1;
        z_pend_d = 1'b1;
      end
    end
    if (clear_i) begin
      cnt_d    = '0;
      left_d   = row_groups;
      y_pend_d = 1'b0;
      z_pend_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      cnt_q    <= '0;
      y_pend_q <= 1'b0;
      z_pend_q <= 1'b0;
    end else begin
      cnt_q    <= cnt_d;
      y_pend_q <= y_pend_d;
      z_pend_q <= z_pend_d;
    end
  end

  always_ff @(posedge clk_i) begin
    left_q <= left_d;
    if (take) begin
      bytes_q  <= bytes_d;
      scales_q <= scales_d;
    end
    if (take && flush) begin
      y_data_q    <= bytes_d;
      z_data_q    <= scales_d;
      flush_cnt_q <= cnt_next;
      row_q       <= row_end;
    end
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_write_mask
    assign y_mask_o[i] = (i / 8) < 32'(flush_cnt_q);
    assign z_mask_o[i] = i < 32'(flush_cnt_q);
  end

  assign y_valid_o = y_pend_q;
  assign z_valid_o = z_pend_q;
  assign y_data_o  = y_data_q;
  assign z_data_o  = MemW'(z_data_q);
  assign row_o     = row_q;
  assign idle_o    = quant_idle && !y_pend_q && !z_pend_q;
endmodule
