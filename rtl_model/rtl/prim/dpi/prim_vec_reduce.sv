// SPDX-License-Identifier: MIT
//
// Row reduction, body in C: partial results live there, the row's result is taken when its last
// chunk is accepted and held until the tree's cycles have passed. Contract: prim/gates.

module prim_vec_reduce #(
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                clear_i,
  input  ig1_pkg::vred_e      mode_i,
  input  logic                in_valid_i,
  output logic                in_ready_o,
  input  logic [32*Lanes-1:0] data_i,
  input  logic [5:0]          n_i,
  input  logic [31:0]         index_i,
  input  logic                last_i,
  output logic                idle_o,
  output logic                out_valid_o,
  input  logic                out_ready_i,
  output logic [31:0]         out_o
);
  import prim_dpi_pkg::*;

  chandle      red;
  logic [2:0]  left_q;
  logic        out_valid_q, accept;
  logic [31:0] out_q;

  initial red = ig1_dpi_reduce_new();
  final ig1_dpi_reduce_free(red);

  assign in_ready_o = !last_i || ((left_q == 3'd0) && (!out_valid_q || out_ready_i));
  assign accept     = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q      <= 3'd0;
      out_valid_q <= 1'b0;
    end else if (clear_i) begin
      left_q      <= 3'd0;
      out_valid_q <= 1'b0;
    end else begin
      if (accept && last_i)    left_q <= 3'(prim_vec_pkg::ReduceLatency);
      else if (left_q != 3'd0) left_q <= left_q - 3'd1;
      out_valid_q <= (out_valid_q && !out_ready_i) || (left_q == 3'd1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (clear_i) begin
      ig1_dpi_reduce_clear(red);
    end else if (accept) begin
      ig1_dpi_reduce_add(red, {6'h0, mode_i}, index_i, {26'h0, n_i}, DpiWidth'(data_i));
      if (last_i) out_q <= ig1_dpi_reduce_end(red, {6'h0, mode_i});
    end
  end

  assign out_valid_o = out_valid_q;
  assign out_o       = out_q;
  assign idle_o      = (left_q == 3'd0) && !out_valid_q;
endmodule
