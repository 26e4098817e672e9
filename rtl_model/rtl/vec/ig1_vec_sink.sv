// SPDX-License-Identifier: MIT
//
// Where a pass's chunks go: fp32 elements to y, row reductions to z, or quantised groups to y and
// their scales to z. One write a cycle; a dense chunk is one write, a sparse one a write per
// element.

module ig1_vec_sink
  import ig1_vec_pkg::*;
#(
  parameter int unsigned Lanes = 32,
  localparam int unsigned MemW = 32 * Lanes
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              load_i,      // take next_cmd_i's addresses
  // the sequencer has used the other fields
  /* verilator lint_off UNUSEDSIGNAL */
  input  ig1_pkg::cmd_vec_t next_cmd_i,
  input  logic              clear_i,     // the cycle after load_i
  input  ig1_pkg::cmd_vec_t cmd_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic              idle_o,

  input  logic              in_valid_i,
  output logic              in_ready_o,
  input  chunk_t            chunk_i,
  input  logic [MemW-1:0]   data_i,

  output logic              wr_valid_o,
  input  logic              wr_ready_i,
  output logic [31:0]       wr_addr_o,
  output logic [MemW-1:0]   wr_data_o,
  output logic [Lanes-1:0]  wr_mask_o
);
  localparam int unsigned LaneBits = $clog2(Lanes);

  typedef enum logic [1:0] {
    WrElems,
    WrReduction,
    WrGroups,
    WrScales
  } wr_e;

  logic f32, q8, reduces, dense;

  assign f32     = cmd_i.out == ig1_pkg::VfmtF32;
  assign q8      = cmd_i.out == ig1_pkg::VfmtQ8;
  assign reduces = (cmd_i.red != ig1_pkg::VredNone) && !q8;
  assign dense   = stride_class(cmd_i.y0) == ClassDense;

  // --- elements ---

  logic [4:0]       elem_q, elem_d;
  logic             elems_valid, elems_ready, elems_last, elem_write;
  logic [31:0]      elem_word;
  logic             red_ready, quant_ready;
  logic             fire;

  assign elems_valid = in_valid_i && f32 && (!reduces || red_ready);
  assign elems_last  = dense || (6'(elem_q) + 6'd1 == chunk_i.n);
  assign elem_word   = data_i[{elem_q[LaneBits-1:0], 5'h0}+:32];
  assign elem_write  = elems_valid && elems_ready;
  assign in_ready_o  = (!f32 || (elems_ready && elems_last)) && (!reduces || red_ready) &&
                       (!q8 || quant_ready);
  assign fire        = in_valid_i && in_ready_o;
  assign elem_d      = (elem_write && !elems_last) ? elem_q + 5'd1 : (fire ? 5'd0 : elem_q);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) elem_q <= 5'd0;
    else         elem_q <= elem_d;
  end

  logic [Lanes-1:0] dense_mask;

  for (genvar i = 0; i < Lanes; i++) begin : gen_mask
    assign dense_mask[i] = 6'(i) < chunk_i.n;
  end

  // --- reductions ---

  logic        z_valid, z_ready, red_idle;
  logic [31:0] z_word, index_q, index_d;

  assign index_d = fire ? (chunk_i.last ? 32'h0 : index_q + 32'(Lanes)) : index_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      index_q <= 32'h0;
    else if (clear_i) index_q <= 32'h0;
    else              index_q <= index_d;
  end

  prim_vec_reduce #(
    .Lanes(Lanes)
  ) u_reduce (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .clear_i    (clear_i),
    .mode_i     (cmd_i.red),
    .in_valid_i (in_valid_i && reduces && (!f32 || (elems_ready && elems_last))),
    .in_ready_o (red_ready),
    .data_i     (data_i),
    .n_i        (chunk_i.n),
    .index_i    (index_q),
    .last_i     (chunk_i.last),
    .idle_o     (red_idle),
    .out_valid_o(z_valid),
    .out_ready_i(z_ready),
    .out_o      (z_word)
  );

  // --- groups ---

  logic             qy_valid, qy_ready, qz_valid, qz_ready, q_row, quant_idle;
  logic [MemW-1:0]  qy_data, qz_data;
  logic [Lanes-1:0] qy_mask, qz_mask;

  ig1_vec_quant #(
    .Lanes(Lanes)
  ) u_quant (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .clear_i   (clear_i),
    .n0_i      (cmd_i.n0[24:0]),
    .idle_o    (quant_idle),
    .in_valid_i(in_valid_i && q8),
    .in_ready_o(quant_ready),
    .chunk_i   (chunk_i),
    .data_i    (data_i),
    .y_valid_o (qy_valid),
    .y_ready_i (qy_ready),
    .y_data_o  (qy_data),
    .y_mask_o  (qy_mask),
    .z_valid_o (qz_valid),
    .z_ready_i (qz_ready),
    .z_data_o  (qz_data),
    .z_mask_o  (qz_mask),
    .row_o     (q_row)
  );

  // --- the write port; a write that waits keeps it ---

  logic wait_q;
  wr_e  pick, pick_q;

  always_comb begin
    pick = WrElems;
    if (z_valid)       pick = WrReduction;
    else if (qy_valid) pick = WrGroups;
    else if (qz_valid) pick = WrScales;
    if (wait_q)        pick = pick_q;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) wait_q <= 1'b0;
    else         wait_q <= wr_valid_o && !wr_ready_i;
  end

  always_ff @(posedge clk_i) pick_q <= pick;

  logic [31:0] y_addr, z_addr;

  always_comb begin
    wr_valid_o = elems_valid;
    wr_addr_o  = y_addr;
    wr_data_o  = dense ? data_i : MemW'(elem_word);
    wr_mask_o  = dense ? dense_mask : Lanes'(1);
    case (pick)
      WrReduction: begin
        wr_valid_o = z_valid;
        wr_addr_o  = z_addr;
        wr_data_o  = MemW'(z_word);
        wr_mask_o  = Lanes'(1);
      end
      WrGroups: begin
        wr_valid_o = qy_valid;
        wr_data_o  = qy_data;
        wr_mask_o  = qy_mask;
      end
      WrScales: begin
        wr_valid_o = qz_valid;
        wr_addr_o  = z_addr;
        wr_data_o  = qz_data;
        wr_mask_o  = qz_mask;
      end
      default: ;
    endcase
  end

  assign elems_ready = (pick == WrElems) && wr_ready_i;
  assign z_ready     = (pick == WrReduction) && wr_ready_i;
  assign qy_ready    = (pick == WrGroups) && wr_ready_i;
  assign qz_ready    = (pick == WrScales) && wr_ready_i;

  // --- addresses ---

  logic        y_step, y_next, z_step, z_next;
  logic [24:0] y_row_q, z_row_q;  // rows left in the block
  logic        y_wrap, z_wrap;

  assign y_step = elem_write || (qy_valid && qy_ready);
  assign y_next = (fire && chunk_i.last && f32) || (qy_valid && qy_ready && q_row);
  assign z_step = qz_valid && qz_ready;
  assign z_next = (z_valid && z_ready) || (qz_valid && qz_ready && q_row);
  assign y_wrap = y_row_q == 25'd1;
  assign z_wrap = z_row_q == 25'd1;

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      y_row_q <= next_cmd_i.n1[24:0];
      z_row_q <= next_cmd_i.n1[24:0];
    end else begin
      if (y_next) y_row_q <= y_wrap ? cmd_i.n1[24:0] : y_row_q - 25'd1;
      if (z_next) z_row_q <= z_wrap ? cmd_i.n1[24:0] : z_row_q - 25'd1;
    end
  end

  // strides of q8 destinations count bytes
  ig1_vec_agu u_y_agu (
    .clk_i        (clk_i),
    .load_i       (load_i),
    .base_i       (next_cmd_i.y),
    .step_i       (y_step),
    .step_bytes_i ((dense || q8) ? 32'(4 * Lanes) : 32'(cmd_i.y0) << 2),
    .row_i        (y_next && !y_wrap),
    .row_bytes_i  (q8 ? cmd_i.y1 : cmd_i.y1 << 2),
    .block_i      (y_next && y_wrap),
    .block_bytes_i(q8 ? cmd_i.y2 : cmd_i.y2 << 2),
    .addr_o       (y_addr)
  );

  ig1_vec_agu u_z_agu (
    .clk_i        (clk_i),
    .load_i       (load_i),
    .base_i       (next_cmd_i.z),
    .step_i       (z_step),
    .step_bytes_i (32'(Lanes / 2)),  // a word per group, Lanes / 8 groups
    .row_i        (z_next && !z_wrap),
    .row_bytes_i  (cmd_i.z1 << 2),
    .block_i      (z_next && z_wrap),
    .block_bytes_i(cmd_i.z2 << 2),
    .addr_o       (z_addr)
  );

  assign idle_o = red_idle && quant_idle;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  OneUseOfZ_A: assert property (@(posedge clk_i) disable iff (in_reset)
    clear_i |-> !(q8 && (cmd_i.red != ig1_pkg::VredNone)))
    else $error("q8 and a reduction in one command");
`endif
endmodule
