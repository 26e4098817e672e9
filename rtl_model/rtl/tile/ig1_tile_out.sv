// SPDX-License-Identifier: MIT
//
// Reads results out of the array and writes them to scratch, up to Lanes rows of a column a cycle,
// while the array is already summing the next rows. Started with the step that completes the
// results; busy_o falls after the last of them has left the array, so the next completing step may
// follow.
//
// Three stages: pick (and read what is to be added to), finish, write.

module ig1_tile_out #(
  parameter int unsigned Lanes = 32,
  localparam int unsigned MemW = 32 * Lanes
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             start_i,
  input  logic [31:0]      y_i,        // scratch address of the first column's first row
  input  logic [31:0]      ystride_i,  // from column to column
  input  logic [15:0]      rows_i,
  input  logic [7:0]       cols_i,
  input  logic             acc_i,
  output logic             busy_o,
  output logic             idle_o,

  output logic             out_rd_o,
  output logic [7:0]       out_col_o,
  output logic [15:0]      out_row_o,
  output logic             out_fin_o,
  output logic [MemW-1:0]  out_old_o,
  input  logic [MemW-1:0]  out_y_i,

  output logic             rd_valid_o,
  input  logic             rd_ready_i,
  output logic [31:0]      rd_addr_o,
  input  logic [MemW-1:0]  rd_data_i,
  output logic             wr_valid_o,
  input  logic             wr_ready_i,
  output logic [31:0]      wr_addr_o,
  output logic [MemW-1:0]  wr_data_o,
  output logic [Lanes-1:0] wr_mask_o
);
  localparam int unsigned Wait = prim_tile_pkg::StepLatency - 1;

  // --- pick ---

  logic        active_q, active_d;
  logic [1:0]  wait_q, wait_d;
  logic [31:0] addr_q, addr_d, col_addr_q, col_addr_d;
  logic [15:0] row_q, row_d;
  logic [7:0]  col_q, col_d;
  logic [31:0] ystride_q;
  logic [15:0] rows_q;
  logic [7:0]  cols_q;
  logic        acc_q;

  logic        may_pick, pick, col_end;
  logic [15:0] rest;
  logic        fin_valid_q, fin_ready, wr_valid_q;

  assign may_pick   = active_q && (wait_q == 2'd0) && (!fin_valid_q || fin_ready);
  assign rd_valid_o = may_pick && acc_q;
  assign rd_addr_o  = addr_q;
  assign pick       = may_pick && (!acc_q || rd_ready_i);
  assign rest       = rows_q - row_q;
  assign col_end    = rest <= 16'(Lanes);

  always_comb begin
    active_d   = active_q;
    wait_d     = (wait_q == 2'd0) ? 2'd0 : wait_q - 2'd1;
    addr_d     = addr_q;
    col_addr_d = col_addr_q;
    row_d      = row_q;
    col_d      = col_q;
    if (pick) begin
      row_d  = row_q + 16'(Lanes);
      addr_d = addr_q + 32'(4 * Lanes);
      if (col_end) begin
        row_d      = 16'd0;
        col_d      = col_q + 8'd1;
        col_addr_d = col_addr_q + ystride_q;
        addr_d     = col_addr_d;
        active_d   = col_q + 8'd1 != cols_q;
      end
    end
    if (start_i) begin
      active_d   = 1'b1;
      wait_d     = 2'(Wait);
      addr_d     = y_i;
      col_addr_d = y_i;
      row_d      = 16'd0;
      col_d      = 8'd0;
    end
  end

  always_ff @(posedge clk_i) begin
    wait_q     <= wait_d;
    addr_q     <= addr_d;
    col_addr_q <= col_addr_d;
    row_q      <= row_d;
    col_q      <= col_d;
    if (start_i) begin
      ystride_q <= ystride_i;
      rows_q    <= rows_i;
      cols_q    <= cols_i;
      acc_q     <= acc_i;
    end
  end

  assign out_rd_o  = pick;
  assign out_col_o = col_q;
  assign out_row_o = row_q;
  assign busy_o    = active_q;

  // --- finish: scratch data is at the port in the first cycle, later kept here ---

  logic             fin_first_q;
  logic [MemW-1:0]  old_q;
  logic [31:0]      fin_addr_q, wr_addr_q;
  logic [Lanes-1:0] fin_mask_q, wr_mask_q, mask;

  for (genvar i = 0; i < Lanes; i++) begin : gen_mask
    assign mask[i] = 16'(i) < rest;
  end

  assign fin_ready = !wr_valid_q || wr_ready_i;
  assign out_fin_o = fin_valid_q && fin_ready;
  assign out_old_o = fin_first_q ? rd_data_i : old_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q    <= 1'b0;
      fin_valid_q <= 1'b0;
      wr_valid_q  <= 1'b0;
    end else begin
      active_q    <= active_d;
      fin_valid_q <= pick || (fin_valid_q && !fin_ready);
      wr_valid_q  <= out_fin_o || (wr_valid_q && !wr_ready_i);
    end
  end

  always_ff @(posedge clk_i) begin
    fin_first_q <= pick;
    if (fin_first_q && !fin_ready && acc_q) old_q <= rd_data_i;
    if (pick) begin
      fin_addr_q <= addr_q;
      fin_mask_q <= mask;
    end
    if (out_fin_o) begin
      wr_addr_q <= fin_addr_q;
      wr_mask_q <= fin_mask_q;
    end
  end

  assign wr_valid_o = wr_valid_q;
  assign wr_addr_o  = wr_addr_q;
  assign wr_mask_o  = wr_mask_q;
  assign wr_data_o  = out_y_i;
  assign idle_o     = !active_q && !fin_valid_q && !wr_valid_q;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  StartWhenFree_A: assert property (@(posedge clk_i) disable iff (in_reset) start_i |-> !busy_o)
    else $error("results replaced before they were read");
`endif
endmodule
