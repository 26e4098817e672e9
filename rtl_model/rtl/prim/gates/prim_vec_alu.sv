// SPDX-License-Identifier: MIT
//
// Lanes fp32 lanes executing one operation of the vector unit on a chunk of n_i elements. Accepted
// with start_i && ready_o; done_o rises prim_vec_pkg::latency(op_i) cycles later and stays, with
// y_o, until take_i. Results are canonical; lanes from n_i on are undefined.

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
  logic        busy_q, busy_d, done_q, done_d;
  logic [4:0]  step_q, step_d, step, last_step;
  logic [7:0]  op_q, op;
  logic [31:0] alpha_q, beta_q;
  logic        accept, run, last, negate_x;

  prim_vec_gates_pkg::ustep_t u;

  assign ready_o   = !busy_q && (!done_q || take_i);
  assign accept    = start_i && ready_o;
  assign op        = accept ? op_i : op_q;
  assign step      = accept ? 5'd0 : step_q;
  assign run       = accept || busy_q;
  assign last_step = prim_vec_pkg::latency(op) - 5'd1;
  assign last      = step == last_step;
  assign negate_x  = (op == ig1_pkg::OpVSigm) || (op == ig1_pkg::OpVSilu) ||
                     (op == ig1_pkg::OpVSilumul);
  assign u = prim_vec_gates_pkg::ustep(op, step, accept ? alpha_i : alpha_q,
                                       accept ? beta_i : beta_q);

  always_comb begin
    busy_d = run && !last;
    step_d = step + 5'd1;
    done_d = (done_q && !take_i) || (run && last);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      done_q <= 1'b0;
    end else begin
      busy_q <= busy_d;
      done_q <= done_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (run) step_q <= step_d;
    if (accept) begin
      op_q    <= op_i;
      alpha_q <= alpha_i;
      beta_q  <= beta_i;
    end
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    prim_vec_lane u_lane (
      .clk_i     (clk_i),
      .step_i    (u),
      .run_i     (run),
      .first_i   (accept),
      .last_i    (last),
      .negate_x_i(negate_x),
      .a_i       (a_i[32*i+:32]),
      .b_i       (b_i[32*i+:32]),
      .c_i       (c_i[32*i+:32]),
      .d_i       (d_i[32*i+:32]),
      .y_o       (y_o[32*i+:32])
    );
  end

  assign done_o = done_q;

  // every lane computes, wanted or not
  logic unused_n;
  assign unused_n = ^n_i;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  TakeDone_A: assert property (@(posedge clk_i) disable iff (in_reset) take_i |-> done_q)
    else $error("taken before it was done");
`endif
endmodule
