// SPDX-License-Identifier: MIT
//
// Tile engine: t.mm, t.emb, t.qk and t.pv, one command at a time, as resolved and checked by the
// sequencer. ig1_tile_ctl walks, prim_tile_array computes; columns come through ig1_tile_load, KV
// blocks through ig1_tile_kv, results leave through ig1_tile_out. ig1_tile_emb is on its own.
//
// Output row o is row (o / Tiles) mod Rows of tile o mod Tiles. A command ends when its last write
// has been accepted; after a memory fault or abort_i when what is in flight has come back.
// The column buffer holds ColGroups groups (a multiple of Lanes); longer rows work, filling it
// anew.

module ig1_tile #(
  parameter int unsigned Tiles     = 8,
  parameter int unsigned Rows      = 8,
  parameter int unsigned Columns   = 8,
  parameter int unsigned Lanes     = 32,
  parameter int unsigned ColGroups = 512,
  localparam int unsigned MemW     = 32 * Lanes
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

  output logic             rd_valid_o,
  input  logic             rd_ready_i,
  output logic [31:0]      rd_addr_o,
  input  logic [MemW-1:0]  rd_data_i,
  output logic             wr_valid_o,
  input  logic             wr_ready_i,
  output logic [31:0]      wr_addr_o,
  output logic [MemW-1:0]  wr_data_o,
  output logic [Lanes-1:0] wr_mask_o,

  output logic             req_valid_o,
  input  logic             req_ready_i,
  output logic             req_we_o,
  output logic [63:0]      req_va_o,
  output logic [7:0]       req_bytes_o,
  output logic [MemW-1:0]  req_data_o,
  input  logic             rsp_valid_i,
  input  logic [MemW-1:0]  rsp_data_i,
  input  logic [7:0]       rsp_fault_i
);
  // --- command ---

  logic               busy_q, accept, is_emb, nothing, all_idle, stop, kv_start;
  ig1_pkg::cmd_emb_t  emb_q;
  ig1_pkg::cmd_emb_t  next_emb;
  /* verilator lint_off UNUSEDSIGNAL */
  ig1_pkg::cmd_att_t  next_att;
  /* verilator lint_on UNUSEDSIGNAL */

  assign next_emb    = cmd_i;
  assign next_att    = cmd_i;
  assign cmd_ready_o = !busy_q;
  assign accept      = cmd_valid_i && cmd_ready_o;
  assign is_emb      = next_emb.op == ig1_pkg::OpTEmb;
  // values of a head are a count too
  assign nothing     = (next_att.op == ig1_pkg::OpTPv) && (next_att.dims == 16'd0);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) busy_q <= 1'b0;
    else         busy_q <= accept || (busy_q && !all_idle);
  end

  logic emb_last_q, att_last_q;  // kind of the command, whose faults count

  always_ff @(posedge clk_i) begin
    if (accept && is_emb) emb_q <= next_emb;
    if (accept) begin
      emb_last_q <= is_emb;
      att_last_q <= kv_start;
    end
  end

  // --- walk ---

  logic                 ctl_start, ctl_idle;
  logic                 load_start, load_idle;
  logic [31:0]          load_x, load_xs, load_xstride, load_xsstride;
  logic [7:0]           load_cols;
  logic [15:0]          load_groups, loaded;
  logic                 kv_scales, kv_idle, kv_faulted;
  logic [15:0]          kv_passes;
  logic [24:0]          kv_outer, kv_inner;
  logic                 block_valid, block_take;
  prim_tile_pkg::step_t step;
  logic                 out_start, out_acc, out_scaled, out_busy, out_idle;
  logic [31:0]          out_y, out_ystride, out_alpha;
  logic [15:0]          out_rows;
  logic [7:0]           out_cols;
  logic [31:0]          ctl_rom_bytes;

  assign ctl_start = accept && !is_emb && !nothing;
  assign stop      = abort_i || (kv_faulted && att_last_q);

  ig1_tile_ctl #(
    .Units    (Tiles * Rows),
    .Columns  (Columns),
    .ColGroups(ColGroups)
  ) u_ctl (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .stop_i          (stop && !accept),
    .start_i         (ctl_start),
    .next_cmd_i      (cmd_i),
    .idle_o          (ctl_idle),
    .load_start_o    (load_start),
    .load_x_o        (load_x),
    .load_xs_o       (load_xs),
    .load_xstride_o  (load_xstride),
    .load_xsstride_o (load_xsstride),
    .load_cols_o     (load_cols),
    .load_groups_o   (load_groups),
    .load_idle_i     (load_idle),
    .loaded_i        (loaded),
    .kv_start_o      (kv_start),
    .kv_scales_o     (kv_scales),
    .kv_passes_o     (kv_passes),
    .kv_outer_o      (kv_outer),
    .kv_inner_o      (kv_inner),
    .block_valid_i   (block_valid),
    .block_take_o    (block_take),
    .step_o          (step),
    .out_start_o     (out_start),
    .out_y_o         (out_y),
    .out_ystride_o   (out_ystride),
    .out_rows_o      (out_rows),
    .out_cols_o      (out_cols),
    .out_acc_o       (out_acc),
    .out_scaled_o    (out_scaled),
    .out_alpha_o     (out_alpha),
    .out_busy_i      (out_busy),
    .stat_macs_o     (stat_macs_o),
    .stat_rom_bytes_o(ctl_rom_bytes),
    .stat_kv_bytes_o (stat_kv_bytes_o)
  );

  // --- columns ---

  logic        load_rd_valid, load_rd_ready, x_we, x_scales;
  logic [31:0] load_rd_addr;
  logic [7:0]  x_col;
  logic [15:0] x_group;

  ig1_tile_load #(
    .Lanes(Lanes)
  ) u_load (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .abort_i   (stop),
    .start_i   (load_start),
    .x_i       (load_x),
    .xs_i      (load_xs),
    .xstride_i (load_xstride),
    .xsstride_i(load_xsstride),
    .cols_i    (load_cols),
    .groups_i  (load_groups),
    .idle_o    (load_idle),
    .loaded_o  (loaded),
    .rd_valid_o(load_rd_valid),
    .rd_ready_i(load_rd_ready),
    .rd_addr_o (load_rd_addr),
    .we_o      (x_we),
    .scales_o  (x_scales),
    .col_o     (x_col),
    .group_o   (x_group)
  );

  // --- KV blocks ---

  logic        kv_we, kv_we_scales, kv_we_buffer;
  logic [9:0]  kv_we_offset;
  logic [7:0]  kv_fault;
  logic [63:0] kv_fault_addr;

  ig1_tile_kv #(
    .Lanes(Lanes)
  ) u_kv (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .abort_i      (abort_i),
    .start_i      (kv_start),
    .scales_i     (kv_scales),
    .kv_i         (next_att.kv),
    .ks_i         (next_att.ks),
    .npos_i       (next_att.npos),
    .heads_i      (next_att.heads),
    .passes_i     (kv_passes),
    .outer_i      (kv_outer),
    .inner_i      (kv_inner),
    .groups_i     (next_att.groups),
    .bstride_i    (next_att.bstride),
    .sbstride_i   (next_att.sbstride),
    .idle_o       (kv_idle),
    .faulted_o    (kv_faulted),
    .fault_o      (kv_fault),
    .fault_addr_o (kv_fault_addr),
    .block_valid_o(block_valid),
    .block_take_i (block_take),
    .req_valid_o  (req_valid_o),
    .req_ready_i  (req_ready_i),
    .req_va_o     (req_va_o),
    .req_bytes_o  (req_bytes_o),
    .rsp_valid_i  (rsp_valid_i),
    .rsp_fault_i  (rsp_fault_i),
    .we_o         (kv_we),
    .we_scales_o  (kv_we_scales),
    .we_buffer_o  (kv_we_buffer),
    .we_offset_o  (kv_we_offset)
  );

  assign req_we_o   = 1'b0;
  assign req_data_o = '0;

  // --- array and results ---

  logic             arr_rd, arr_fin, out_rd_valid, out_rd_ready, out_wr_valid, out_wr_ready;
  logic [7:0]       arr_col;
  logic [15:0]      arr_row;
  logic [MemW-1:0]  arr_old, arr_y, out_wr_data;
  logic [31:0]      out_rd_addr, out_wr_addr;
  logic [Lanes-1:0] out_wr_mask;
  logic             scaled_q, acc_q;
  logic [31:0]      alpha_q;

  always_ff @(posedge clk_i) begin
    if (out_start) begin
      scaled_q <= out_scaled;
      acc_q    <= out_acc;
      alpha_q  <= out_alpha;
    end
  end

  prim_tile_array #(
    .Tiles    (Tiles),
    .Rows     (Rows),
    .Columns  (Columns),
    .Lanes    (Lanes),
    .ColGroups(ColGroups)
  ) u_array (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .chip_i      (chip_i),
    .x_we_i      (x_we),
    .x_scales_i  (x_scales),
    .x_col_i     (x_col),
    .x_group_i   (x_group),
    .x_data_i    (rd_data_i),
    .kv_we_i     (kv_we),
    .kv_scales_i (kv_we_scales),
    .kv_buffer_i (kv_we_buffer),
    .kv_offset_i (kv_we_offset),
    .kv_data_i   (rsp_data_i),
    .step_i      (step),
    .out_rd_i    (arr_rd),
    .out_col_i   (arr_col),
    .out_row_i   (arr_row),
    .out_fin_i   (arr_fin),
    .out_scaled_i(scaled_q),
    .out_acc_i   (acc_q),
    .out_alpha_i (alpha_q),
    .out_old_i   (arr_old),
    .out_y_o     (arr_y)
  );

  ig1_tile_out #(
    .Lanes(Lanes)
  ) u_out (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .start_i   (out_start),
    .y_i       (out_y),
    .ystride_i (out_ystride),
    .rows_i    (out_rows),
    .cols_i    (out_cols),
    .acc_i     (out_acc),
    .busy_o    (out_busy),
    .idle_o    (out_idle),
    .out_rd_o  (arr_rd),
    .out_col_o (arr_col),
    .out_row_o (arr_row),
    .out_fin_o (arr_fin),
    .out_old_o (arr_old),
    .out_y_i   (arr_y),
    .rd_valid_o(out_rd_valid),
    .rd_ready_i(out_rd_ready),
    .rd_addr_o (out_rd_addr),
    .rd_data_i (rd_data_i),
    .wr_valid_o(out_wr_valid),
    .wr_ready_i(out_wr_ready),
    .wr_addr_o (out_wr_addr),
    .wr_data_o (out_wr_data),
    .wr_mask_o (out_wr_mask)
  );

  // --- t.emb ---

  logic            emb_idle, emb_rd_valid, emb_wr_valid;
  logic [7:0]      emb_fault;
  logic [63:0]     emb_fault_addr;
  logic [31:0]     emb_rd_addr, emb_wr_addr, emb_rom_bytes;
  logic [MemW-1:0] emb_wr_data;

  ig1_tile_emb #(
    .Lanes(Lanes)
  ) u_emb (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .chip_i          (chip_i),
    .abort_i         (abort_i),
    .start_i         (accept && is_emb),
    .next_cmd_i      (next_emb),
    .cmd_i           (emb_q),
    .idle_o          (emb_idle),
    .fault_o         (emb_fault),
    .fault_addr_o    (emb_fault_addr),
    .stat_rom_bytes_o(emb_rom_bytes),
    .rd_valid_o      (emb_rd_valid),
    .rd_ready_i      (rd_ready_i),
    .rd_addr_o       (emb_rd_addr),
    .rd_word_i       (rd_data_i[31:0]),
    .wr_valid_o      (emb_wr_valid),
    .wr_ready_i      (wr_ready_i),
    .wr_addr_o       (emb_wr_addr),
    .wr_data_o       (emb_wr_data)
  );

  assign stat_rom_bytes_o = ctl_rom_bytes + emb_rom_bytes;

  // --- scratch ports: t.emb is never at work together with the others ---

  logic rd_wait_q, rd_out, rd_out_q;  // a read that waits keeps the port

  assign rd_out        = rd_wait_q ? rd_out_q : out_rd_valid;
  assign out_rd_ready  = rd_out && rd_ready_i;
  assign load_rd_ready = !rd_out && rd_ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) rd_wait_q <= 1'b0;
    else         rd_wait_q <= rd_valid_o && !rd_ready_i;
  end

  always_ff @(posedge clk_i) rd_out_q <= rd_out;

  always_comb begin
    if (!emb_idle) begin
      rd_valid_o = emb_rd_valid;
      rd_addr_o  = emb_rd_addr;
    end else if (rd_out) begin
      rd_valid_o = out_rd_valid;
      rd_addr_o  = out_rd_addr;
    end else begin
      rd_valid_o = load_rd_valid;
      rd_addr_o  = load_rd_addr;
    end
  end

  assign out_wr_ready = wr_ready_i;
  assign wr_valid_o   = emb_wr_valid || out_wr_valid;
  assign wr_addr_o    = emb_wr_valid ? emb_wr_addr : out_wr_addr;
  assign wr_data_o    = emb_wr_valid ? emb_wr_data : out_wr_data;
  assign wr_mask_o    = emb_wr_valid ? '1 : out_wr_mask;

  // --- end ---

  assign all_idle = ctl_idle && load_idle && kv_idle && out_idle && emb_idle;
  assign done_o   = busy_q && all_idle;

  always_comb begin
    fault_o      = ig1_pkg::FaultNone;
    fault_addr_o = 64'h0;
    if (emb_last_q) begin
      fault_o      = emb_fault;
      fault_addr_o = emb_fault_addr;
    end else if (att_last_q) begin
      fault_o      = kv_fault;
      fault_addr_o = kv_fault_addr;
    end
  end

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  CmdStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    cmd_valid_i && !cmd_ready_o |=> cmd_valid_i && $stable(cmd_i))
    else $error("command changed while it waited");
  OneWriter_A: assert property (@(posedge clk_i) disable iff (in_reset)
    !(emb_wr_valid && out_wr_valid)) else $error("two writers");
`endif
endmodule
