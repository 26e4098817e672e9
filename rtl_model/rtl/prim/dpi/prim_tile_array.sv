// SPDX-License-Identifier: MIT
//
// The tile array, body in C: buffers and sums live there. A run of steps over one filling of the
// column buffer is one call, made at its last step; its results are shown when the pipeline's
// cycles have passed. Contract: prim/gates/prim_tile_array.sv.

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
  import prim_dpi_pkg::*;

  localparam int unsigned Units   = Tiles * Rows;
  localparam int unsigned KvUnits = (Units < 32) ? Units : 32;
  localparam int unsigned KvSlots = 32 / KvUnits;

  chandle tile;

  initial tile = ig1_dpi_tile_new(Units, Columns, ColGroups);
  final ig1_dpi_tile_free(tile);

  // --- buffers ---

  always_ff @(posedge clk_i) begin
    if (x_we_i) begin
      ig1_dpi_tile_x(tile, {24'h0, x_col_i}, {16'h0, x_group_i}, x_scales_i, 4 * Lanes,
                     DpiWidth'(x_data_i));
    end
    if (kv_we_i) begin
      ig1_dpi_tile_kv(tile, kv_buffer_i, kv_scales_i, {22'h0, kv_offset_i}, 4 * Lanes,
                      DpiWidth'(kv_data_i));
    end
  end

  // --- runs ---

  logic        latch1_q, latch2_q;  // results complete, on their way through the pipeline
  logic        bank_q;              // the results that are shown
  logic        run_first_q;         // of the run under way: does it start the sums
  logic [2:0]  run_acc_q;
  logic [39:0] run_addr_q;
  logic        run_first;
  logic [2:0]  run_acc;
  logic [39:0] run_addr;
  logic [31:0] run_groups;

  assign run_first  = step_i.run_first ? step_i.first : run_first_q;
  assign run_acc    = step_i.run_first ? step_i.acc : run_acc_q;
  assign run_addr   = step_i.run_first ? step_i.addr : run_addr_q;
  assign run_groups = {16'h0, step_i.group} +
                      ((step_i.two && prim_tile_pkg::fmt_pair(step_i.fmt)) ? 32'd2 : 32'd1);

  always_ff @(posedge clk_i) begin
    if (step_i.valid) begin
      run_first_q <= run_first;
      run_acc_q   <= run_acc;
      run_addr_q  <= run_addr;
      // all rows of a block are done with the first of its slots
      if (step_i.kv && (step_i.slot == 5'd0)) begin
        ig1_dpi_tile_kv_step(tile, step_i.buffer, step_i.transpose, {16'h0, step_i.group},
                             {26'h0, step_i.positions});
        if (step_i.run_last) begin
          ig1_dpi_tile_kv_run(tile, run_first, step_i.last, !bank_q, {29'h0, run_acc},
                              run_groups, {24'h0, step_i.cols});
        end
      end
      if (!step_i.kv && step_i.run_last) begin
        ig1_dpi_tile_rom_run(tile, chip_i, {24'h0, run_addr}, step_i.wstride,
                             {4'h0, step_i.fmt}, run_first, step_i.last, !bank_q, {29'h0, run_acc}, run_groups,
                             {16'h0, step_i.rows}, {24'h0, step_i.cols});
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      latch1_q <= 1'b0;
      latch2_q <= 1'b0;
      bank_q   <= 1'b0;
    end else begin
      latch1_q <= step_i.valid && step_i.last &&
                  (!step_i.kv || (step_i.slot == 5'(KvSlots - 1)));
      latch2_q <= latch1_q;
      bank_q   <= bank_q ^ latch2_q;
    end
  end

  // --- reading out ---

  logic                out_bank_q;
  logic [7:0]          out_col_q;
  logic [15:0]         out_row_q;
  logic [32*Lanes-1:0] out_q;

  always_ff @(posedge clk_i) begin
    if (out_rd_i) begin
      out_bank_q <= bank_q;
      out_col_q  <= out_col_i;
      out_row_q  <= out_row_i;
    end
    if (out_fin_i) begin
      /* verilator lint_off UNUSEDSIGNAL */  // fewer lanes use the low part
      automatic bit [DpiWidth-1:0] y;
      /* verilator lint_on UNUSEDSIGNAL */
      ig1_dpi_tile_out(tile, out_bank_q, {24'h0, out_col_q}, {16'h0, out_row_q}, Lanes,
                       out_scaled_i, out_acc_i, out_alpha_i, DpiWidth'(out_old_i), y);
      out_q <= y[32*Lanes-1:0];
    end
  end

  assign out_y_o = out_q;
endmodule
