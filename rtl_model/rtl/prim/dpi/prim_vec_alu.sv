// SPDX-License-Identifier: MIT
//
// Vector lanes, body in C: the chunk is computed in one call when it is accepted and held until its
// cycles have passed. Contract: prim/gates/prim_vec_alu.sv.

module prim_vec_alu #(
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                start_i,
  output logic                ready_o,
  input  logic [7:0]          op_i,
  input  logic [5:0]          n_i,
  input  logic [32*Lanes-1:0] a_i,
  input  logic [32*Lanes-1:0] b_i,
  input  logic [32*Lanes-1:0] c_i,
  input  logic [32*Lanes-1:0] d_i,
  input  logic [31:0]         alpha_i,
  input  logic [31:0]         beta_i,
  output logic                done_o,
  input  logic                take_i,
  output logic [32*Lanes-1:0] y_o
);
  import prim_dpi_pkg::*;

  logic                accept;
  logic                done_q;
  logic [4:0]          left_q;  // cycles until done; 0: idle or done
  logic [32*Lanes-1:0] y_q;

  assign ready_o = (left_q == 5'd0) && (!done_q || take_i);
  assign accept  = start_i && ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= 5'd0;
      done_q <= 1'b0;
    end else if (accept) begin
      left_q <= prim_vec_pkg::latency(op_i) - 5'd1;
      done_q <= prim_vec_pkg::latency(op_i) == 5'd1;
    end else begin
      if (left_q != 5'd0) left_q <= left_q - 5'd1;
      done_q <= (done_q && !take_i) || (left_q == 5'd1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      /* verilator lint_off UNUSEDSIGNAL */  // fewer lanes use the low part
      automatic bit [DpiWidth-1:0] y;
      /* verilator lint_on UNUSEDSIGNAL */
      ig1_dpi_vec_alu(op_i, {26'h0, n_i}, DpiWidth'(a_i), DpiWidth'(b_i), DpiWidth'(c_i),
                      DpiWidth'(d_i), alpha_i, beta_i, y);
      y_q <= y[32*Lanes-1:0];
    end
  end

  assign done_o = done_q;
  assign y_o    = y_q;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  TakeDone_A: assert property (@(posedge clk_i) disable iff (in_reset) take_i |-> done_q)
    else $error("taken before it was done");
`endif
endmodule
