// SPDX-License-Identifier: MIT
//
// Walk of t.mm, t.qk and t.pv, one step of the array at a time. All three are the same nest:
//
//   head   t.qk, t.pv: KV heads                                          (t.mm: one)
//   pass   as many columns as the array has
//   outer  results that the array holds at once: t.mm rows of the array, t.qk position blocks,
//          t.pv value groups
//   run    inner groups that the column buffer holds
//   inner  groups: t.mm and t.qk along the row, t.pv position blocks
//
// The column buffer is filled once per pass where all of inner fits and t.pv's columns do not
// change with outer. A step waits for its columns, its KV block, and, when it completes results,
// for the results before them to have been read out.

module ig1_tile_ctl #(
  parameter int unsigned Units     = 64,   // rows of the array
  parameter int unsigned Columns   = 8,
  parameter int unsigned ColGroups = 512
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 stop_i,      // abort or fault: no further steps
  input  logic                 start_i,
  input  logic [1023:0]        next_cmd_i,  // with start_i
  output logic                 idle_o,

  // column buffer
  output logic                 load_start_o,
  output logic [31:0]          load_x_o,
  output logic [31:0]          load_xs_o,
  output logic [31:0]          load_xstride_o,
  output logic [31:0]          load_xsstride_o,
  output logic [7:0]           load_cols_o,
  output logic [15:0]          load_groups_o,
  input  logic                 load_idle_i,
  input  logic [15:0]          loaded_i,

  // KV blocks
  output logic                 kv_start_o,
  output logic                 kv_scales_o,
  output logic [15:0]          kv_passes_o,
  output logic [24:0]          kv_outer_o,
  output logic [24:0]          kv_inner_o,
  input  logic                 block_valid_i,
  output logic                 block_take_o,

  // array
  output prim_tile_pkg::step_t step_o,

  // results
  output logic                 out_start_o,
  output logic [31:0]          out_y_o,
  output logic [31:0]          out_ystride_o,
  output logic [15:0]          out_rows_o,
  output logic [7:0]           out_cols_o,
  output logic                 out_acc_o,
  output logic                 out_scaled_o,
  output logic [31:0]          out_alpha_o,
  input  logic                 out_busy_i,

  output logic [31:0]          stat_macs_o,
  output logic [31:0]          stat_rom_bytes_o,
  output logic [31:0]          stat_kv_bytes_o
);
  localparam int unsigned KvUnits = (Units < 32) ? Units : 32;
  localparam int unsigned KvSlots = 32 / KvUnits;

  // --- the command as this nest sees it ---

  /* verilator lint_off UNUSEDSIGNAL */  // the sequencer has used the other fields
  ig1_pkg::cmd_mm_t  mm;
  ig1_pkg::cmd_att_t att;
  /* verilator lint_on UNUSEDSIGNAL */

  typedef struct packed {
    logic        qk;
    logic        pv;
    ig1_pkg::wfmt_e fmt;       // t.mm
    logic        acc;
    logic        scaled;
    logic [31:0] alpha;
    logic [24:0] cols;       // of a head
    logic [24:0] outer;
    logic [24:0] inner;
    logic [31:0] rows;       // results of a column: rows, positions or values
    logic [31:0] npos;
    logic [31:0] xstride;
    logic [31:0] xsstride;
    logic [31:0] xgstride;   // t.pv
    logic [31:0] xsgstride;
    logic [31:0] ystride;
    logic [31:0] wstride;
    logic [39:0] rom;
  } nest_t;

  nest_t       nest_q, nest_d;
  logic [24:0] blocks;
  logic        is_mm;
  logic [15:0] passes;

  assign mm     = next_cmd_i;
  assign att    = next_cmd_i;
  assign is_mm  = mm.op == ig1_pkg::OpTMm;
  assign blocks = 25'((att.npos + 32'd31) >> 5);
  assign passes = 16'((32'(att.qper) + Columns - 1) / Columns);

  always_comb begin
    nest_d           = '0;
    nest_d.qk        = att.op == ig1_pkg::OpTQk;
    nest_d.pv        = att.op == ig1_pkg::OpTPv;
    nest_d.cols      = {9'h0, att.qper};
    nest_d.outer     = nest_d.qk ? blocks : {9'h0, att.groups};
    nest_d.inner     = nest_d.qk ? {9'h0, att.groups} : blocks;
    nest_d.rows      = nest_d.qk ? att.npos : {16'h0, att.dims};
    nest_d.npos      = att.npos;
    nest_d.xstride   = att.xstride;
    nest_d.xsstride  = att.xsstride;
    nest_d.xgstride  = att.xgstride;
    nest_d.xsgstride = att.xsgstride;
    nest_d.ystride   = att.ystride;
    if (is_mm) begin
      nest_d.fmt      = mm.fmt;
      nest_d.acc      = mm.acc;
      nest_d.scaled   = mm.scaled;
      nest_d.alpha    = mm.alpha;
      nest_d.cols     = mm.cols[24:0];
      nest_d.outer    = 25'((mm.rows + Units - 1) / Units);
      nest_d.inner    = mm.groups[24:0];
      nest_d.rows     = mm.rows;
      nest_d.xstride  = mm.xstride;
      nest_d.xsstride = mm.xsstride;
      nest_d.ystride  = mm.ystride;
      nest_d.wstride  = mm.wstride;
      nest_d.rom      = 40'(mm.rom);
    end
  end

  assign kv_start_o  = start_i && !is_mm;
  assign kv_scales_o = nest_d.qk;
  assign kv_passes_o = passes;
  assign kv_outer_o  = nest_d.outer;
  assign kv_inner_o  = nest_d.inner;

  // --- state ---

  typedef enum logic [1:0] {
    StIdle,
    StRun,   // fill the column buffer if need be
    StStep
  } state_e;

  state_e      state_q, state_d;
  logic [15:0] heads_q, heads_d;          // left
  logic [24:0] cols_q, cols_d;            // left in the head
  logic        first_pass_q, first_pass_d;
  logic [24:0] outer_q, outer_d;          // left in the pass
  logic [24:0] inner_q, inner_d;          // left in the row
  logic [31:0] rows_q, rows_d;            // results of a column from this outer on
  logic [31:0] npos_q, npos_d;            // t.pv: positions from this block on
  logic [15:0] group_q, group_d;          // in the column buffer
  logic [15:0] run_q, run_d;              // groups of the run
  logic [2:0]  part_q, part_d;            // partial sum
  logic        row_first_q, row_first_d;
  logic        fill_q, fill_d;            // the buffer does not hold the run's columns
  logic [4:0]  slot_q, slot_d;
  logic        buffer_q, buffer_d;
  logic [31:0] x_pass_q, x_pass_d, xs_pass_q, xs_pass_d, y_pass_q, y_pass_d;
  logic [31:0] x_out_q, x_out_d, xs_out_q, xs_out_d, y_out_q, y_out_d;
  logic [31:0] x_run_q, x_run_d, xs_run_q, xs_run_d;
  logic [39:0] rom_out_q, rom_out_d, rom_q, rom_d;

  logic [7:0]  cols;           // of the pass
  logic [15:0] rows;           // of outer
  logic [31:0] unit;
  logic [1:0]  width;          // groups of the step
  logic        pair;           // room for two
  logic        two;            // terms of the step
  logic [15:0] group_end;
  logic        kv, last_slot, run_last, row_last, outer_last, pass_last;
  logic        go, step;
  logic [7:0]  block;          // bytes of a group in ROM
  logic [5:0]  positions;

  assign kv        = nest_q.qk || nest_q.pv;
  assign unit      = kv ? 32'd32 : Units;
  assign cols      = (cols_q > 25'(Columns)) ? 8'(Columns) : cols_q[7:0];
  assign rows      = (rows_q > unit) ? unit[15:0] : rows_q[15:0];
  assign pair      = prim_tile_pkg::fmt_pair(nest_q.fmt);
  assign width     = (pair && (inner_q > 25'd1)) ? 2'd2 : 2'd1;
  assign two       = (width == 2'd2) || prim_tile_pkg::fmt_two(nest_q.fmt);
  assign block     = ig1_pkg::wfmt_block_bytes(nest_q.fmt);
  assign group_end = group_q + 16'(width);
  assign last_slot = !kv || (slot_q == 5'(KvSlots - 1));
  assign run_last  = group_end == run_q;
  assign row_last  = inner_q == 25'(width);
  assign outer_last = outer_q == 25'd1;
  assign pass_last = cols_q <= 25'(Columns);

  // results are completed slot by slot; the first waits for all of them
  assign go = (state_q == StStep) && (group_end <= loaded_i) && !fill_q &&
              (!kv || block_valid_i) && (!row_last || !out_busy_i || (slot_q != 5'd0));
  assign step = go && !stop_i;

  // --- step ---

  always_comb begin
    step_o           = '0;
    step_o.valid     = step;
    step_o.kv        = kv;
    step_o.transpose = nest_q.pv;
    step_o.fmt       = nest_q.fmt;
    step_o.two       = two;
    step_o.first     = row_first_q;
    step_o.last      = row_last;
    step_o.run_first = group_q == 16'd0;
    step_o.run_last  = run_last;
    step_o.acc       = part_q;
    step_o.group     = group_q;
    step_o.addr      = rom_q;
    step_o.wstride   = nest_q.wstride;
    step_o.buffer    = buffer_q;
    step_o.slot      = slot_q;
    step_o.positions = positions;
    step_o.rows      = rows;
    step_o.cols      = cols;
  end

  assign positions    = (npos_q > 32'd32) ? 6'd32 : npos_q[5:0];
  assign block_take_o = step && kv && last_slot;
  assign out_start_o  = step && row_last && last_slot && (rows != 16'd0);
  assign out_y_o      = y_out_q;
  assign out_rows_o   = rows;
  assign out_cols_o   = cols;
  assign out_ystride_o = nest_q.ystride;
  assign out_acc_o    = nest_q.acc;
  assign out_scaled_o = nest_q.scaled;
  assign out_alpha_o  = nest_q.alpha;

  // --- filling ---

  logic [15:0] fill_groups;

  assign fill_groups     = (inner_q > 25'(ColGroups)) ? 16'(ColGroups) : inner_q[15:0];
  assign load_start_o    = (state_q == StRun) && fill_q && load_idle_i && !stop_i;
  assign load_x_o        = x_run_q;
  assign load_xs_o       = xs_run_q;
  assign load_xstride_o  = nest_q.xstride;
  assign load_xsstride_o = nest_q.xsstride;
  assign load_cols_o     = cols;
  assign load_groups_o   = fill_groups;

  // --- walk ---

  always_comb begin
    state_d      = state_q;
    heads_d      = heads_q;
    cols_d       = cols_q;
    first_pass_d = first_pass_q;
    outer_d      = outer_q;
    inner_d      = inner_q;
    rows_d       = rows_q;
    npos_d       = npos_q;
    group_d      = group_q;
    run_d        = run_q;
    part_d       = part_q;
    row_first_d  = row_first_q;
    fill_d       = fill_q;
    slot_d       = slot_q;
    buffer_d     = buffer_q;
    x_pass_d     = x_pass_q;
    xs_pass_d    = xs_pass_q;
    y_pass_d     = y_pass_q;
    x_out_d      = x_out_q;
    xs_out_d     = xs_out_q;
    y_out_d      = y_out_q;
    x_run_d      = x_run_q;
    xs_run_d     = xs_run_q;
    rom_out_d    = rom_out_q;
    rom_d        = rom_q;

    if (load_start_o) begin
      fill_d  = 1'b0;
      run_d   = fill_groups;
      state_d = StStep;
    end

    if (step && !last_slot) slot_d = slot_q + 5'd1;
    if (step && last_slot) begin
      slot_d      = 5'd0;
      buffer_d    = kv ^ buffer_q;
      group_d     = group_end;
      part_d      = part_q + (two ? 3'd2 : 3'd1);
      inner_d     = inner_q - 25'(width);
      row_first_d = 1'b0;
      rom_d       = rom_q + (40'(block) << pair);
      if (nest_q.pv) npos_d = npos_q - 32'd32;
      if (run_last) begin
        group_d  = 16'd0;
        x_run_d  = x_run_q + 32'(32 * ColGroups);
        xs_run_d = xs_run_q + 32'(4 * ColGroups);
        fill_d   = 1'b1;
        state_d  = StRun;
      end
      if (row_last) begin
        inner_d     = nest_q.inner;
        part_d      = 3'd0;
        row_first_d = 1'b1;
        npos_d      = nest_q.pv ? nest_q.npos : npos_q;
        outer_d     = outer_q - 25'd1;
        rows_d      = (rows_q > unit) ? rows_q - unit : 32'd0;
        rom_out_d   = rom_out_q + 40'(Units) * {8'h0, nest_q.wstride};
        rom_d       = rom_out_d;
        y_out_d     = y_out_q + (unit << 2);
        if (nest_q.pv) begin
          x_out_d  = x_out_q + nest_q.xgstride;
          xs_out_d = xs_out_q + nest_q.xsgstride;
        end
        x_run_d  = x_out_d;
        xs_run_d = xs_out_d;
        if (!nest_q.pv && (nest_q.inner <= 25'(ColGroups))) begin
          fill_d  = 1'b0;
          state_d = StStep;
        end
        if (outer_last) begin
          first_pass_d = 1'b0;
          outer_d      = nest_q.outer;
          rows_d       = nest_q.rows;
          cols_d       = cols_q - 25'(cols);
          x_pass_d     = x_pass_q + {24'h0, cols} * nest_q.xstride;
          xs_pass_d    = xs_pass_q + {24'h0, cols} * nest_q.xsstride;
          y_pass_d     = y_pass_q + {24'h0, cols} * nest_q.ystride;
          x_out_d      = x_pass_d;
          xs_out_d     = xs_pass_d;
          y_out_d      = y_pass_d;
          x_run_d      = x_pass_d;
          xs_run_d     = xs_pass_d;
          rom_out_d    = nest_q.rom;
          rom_d        = nest_q.rom;
          fill_d       = 1'b1;
          state_d      = StRun;
          if (pass_last) begin
            cols_d       = nest_q.cols;
            first_pass_d = 1'b1;
            heads_d      = heads_q - 16'd1;
            if (heads_q == 16'd1) state_d = StIdle;
          end
        end
      end
    end

    if (stop_i) state_d = StIdle;

    if (start_i) begin
      state_d      = StRun;
      heads_d      = is_mm ? 16'd1 : att.heads;
      cols_d       = nest_d.cols;
      first_pass_d = 1'b1;
      outer_d      = nest_d.outer;
      inner_d      = nest_d.inner;
      rows_d       = nest_d.rows;
      npos_d       = att.npos;
      group_d      = 16'd0;
      part_d       = 3'd0;
      row_first_d  = 1'b1;
      fill_d       = 1'b1;
      slot_d       = 5'd0;
      buffer_d     = 1'b0;
      x_pass_d     = is_mm ? mm.x : att.x;
      xs_pass_d    = is_mm ? mm.xs : att.xs;
      y_pass_d     = is_mm ? mm.y : att.y;
      x_out_d      = x_pass_d;
      xs_out_d     = xs_pass_d;
      y_out_d      = y_pass_d;
      x_run_d      = x_pass_d;
      xs_run_d     = xs_pass_d;
      rom_out_d    = nest_d.rom;
      rom_d        = nest_d.rom;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) state_q <= StIdle;
    else         state_q <= state_d;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) nest_q <= nest_d;
    heads_q      <= heads_d;
    cols_q       <= cols_d;
    first_pass_q <= first_pass_d;
    outer_q      <= outer_d;
    inner_q      <= inner_d;
    rows_q       <= rows_d;
    npos_q       <= npos_d;
    group_q      <= group_d;
    run_q        <= run_d;
    part_q       <= part_d;
    row_first_q  <= row_first_d;
    fill_q       <= fill_d;
    slot_q       <= slot_d;
    buffer_q     <= buffer_d;
    x_pass_q     <= x_pass_d;
    xs_pass_q    <= xs_pass_d;
    y_pass_q     <= y_pass_d;
    x_out_q      <= x_out_d;
    xs_out_q     <= xs_out_d;
    y_out_q      <= y_out_d;
    x_run_q      <= x_run_d;
    xs_run_q     <= xs_run_d;
    rom_out_q    <= rom_out_d;
    rom_q        <= rom_d;
  end

  assign idle_o = state_q == StIdle;

  // --- statistics, with the last slot's step ---

  logic        count;
  logic [31:0] inputs;  // rows times groups, or positions that count

  assign count  = step && last_slot;
  assign inputs = nest_q.pv ? 32'(positions) : 32'(rows) << (width == 2'd2);

  assign stat_macs_o      = count ? (inputs * 32'(cols)) << 5 : 32'h0;
  assign stat_rom_bytes_o = (count && !kv && first_pass_q) ?
                            inputs * 32'(block) : 32'h0;
  assign stat_kv_bytes_o  = (count && kv && first_pass_q) ?
                            inputs * (nest_q.qk ? 32'd36 : 32'd32) : 32'h0;
endmodule
