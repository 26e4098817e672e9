// SPDX-License-Identifier: MIT
//
// Fills the column buffer from scratch: for every Lanes groups the scales of all columns, then
// group chunk by group chunk the int8 of all columns, a read a cycle. loaded_o counts the groups
// that all columns have, so that work can start behind it. Reads are answered the cycle after
// acceptance.

module ig1_tile_load #(
  parameter int unsigned Lanes = 32
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        abort_i,     // no further reads
  input  logic        start_i,     // only when idle
  input  logic [31:0] x_i,         // int8 of the first column's first group
  input  logic [31:0] xs_i,        // its scale
  input  logic [31:0] xstride_i,   // from column to column; stays while at work
  input  logic [31:0] xsstride_i,
  input  logic [7:0]  cols_i,
  input  logic [15:0] groups_i,
  output logic        idle_o,
  output logic [15:0] loaded_o,

  output logic        rd_valid_o,
  input  logic        rd_ready_i,
  output logic [31:0] rd_addr_o,

  // with the read data
  output logic        we_o,
  output logic        scales_o,
  output logic [7:0]  col_o,
  output logic [15:0] group_o
);
  localparam int unsigned ChunkGroups = Lanes / 8;
  localparam int unsigned LaneBits    = $clog2(Lanes);

  logic        active_q, active_d;
  logic        scales_q, scales_d;
  logic [7:0]  col_q, col_d;
  logic [15:0] group_q, group_d;
  logic [31:0] x_row_q, x_row_d;    // of the first column
  logic [31:0] xs_row_q, xs_row_d;
  logic [31:0] addr_q, addr_d;
  logic [15:0] loaded_q, loaded_d;
  logic [7:0]  cols_q;
  logic [15:0] groups_q;

  logic        rsp_valid_q, rsp_scales_q, rsp_last_q;
  logic [7:0]  rsp_col_q;
  logic [15:0] rsp_group_q;

  logic        taken, last_col;
  logic [15:0] group_next;
  logic [31:0] x_next;

  assign rd_valid_o = active_q;
  assign rd_addr_o  = addr_q;
  assign taken      = rd_valid_o && rd_ready_i;
  assign last_col   = col_q + 8'd1 == cols_q;
  assign group_next = group_q + 16'(ChunkGroups);
  assign x_next     = x_row_q + 32'(4 * Lanes);

  always_comb begin
    active_d = active_q;
    scales_d = scales_q;
    col_d    = col_q;
    group_d  = group_q;
    x_row_d  = x_row_q;
    xs_row_d = xs_row_q;
    addr_d   = addr_q;
    loaded_d = loaded_q;
    if (rsp_valid_q && rsp_last_q && !rsp_scales_q) begin
      loaded_d = rsp_group_q + 16'(ChunkGroups);
    end
    if (taken) begin
      col_d  = col_q + 8'd1;
      addr_d = addr_q + (scales_q ? xsstride_i : xstride_i);
      if (last_col) begin
        col_d = 8'd0;
        if (scales_q) begin
          scales_d = 1'b0;
          xs_row_d = xs_row_q + 32'(4 * Lanes);
          addr_d   = x_row_q;
        end else begin
          group_d  = group_next;
          x_row_d  = x_next;
          scales_d = group_next[LaneBits-1:0] == '0;
          addr_d   = scales_d ? xs_row_q : x_next;
          active_d = group_next < groups_q;
        end
      end
      if (abort_i) active_d = 1'b0;
    end
    if (start_i) begin
      active_d = 1'b1;
      scales_d = 1'b1;
      col_d    = 8'd0;
      group_d  = 16'd0;
      x_row_d  = x_i;
      xs_row_d = xs_i;
      addr_d   = xs_i;
      loaded_d = 16'd0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q    <= 1'b0;
      rsp_valid_q <= 1'b0;
    end else begin
      active_q    <= active_d;
      rsp_valid_q <= taken;
    end
  end

  always_ff @(posedge clk_i) begin
    scales_q     <= scales_d;
    col_q        <= col_d;
    group_q      <= group_d;
    x_row_q      <= x_row_d;
    xs_row_q     <= xs_row_d;
    addr_q       <= addr_d;
    loaded_q     <= loaded_d;
    rsp_scales_q <= scales_q;
    rsp_last_q   <= last_col;
    rsp_col_q    <= col_q;
    rsp_group_q  <= group_q;
    if (start_i) begin
      cols_q   <= cols_i;
      groups_q <= groups_i;
    end
  end

  assign we_o     = rsp_valid_q;
  assign scales_o = rsp_scales_q;
  assign col_o    = rsp_col_q;
  assign group_o  = rsp_group_q;
  assign loaded_o = loaded_q;
  assign idle_o   = !active_q && !rsp_valid_q;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  StartWhenIdle_A: assert property (@(posedge clk_i) disable iff (in_reset) start_i |-> idle_o)
    else $error("started while at work");
`endif
endmodule
