// SPDX-License-Identifier: MIT
//
// Quantiser of one group: 32 fp32 values to 32 int8 and an fp32 scale, in a pipeline that takes a
// group a cycle: magnitude, scale, six steps of the scale's reciprocal, rounding. The values
// wait in a buffer meanwhile. A group taken in at a cycle is at the output QuantLatency cycles
// later at the earliest; up to QuantDepth groups may be inside. clear_i drops them all.

module prim_quant32 (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic          clear_i,
  input  logic          in_valid_i,
  output logic          in_ready_o,
  input  logic [1023:0] x_i,
  output logic          idle_o,
  output logic          out_valid_o,
  input  logic          out_ready_i,
  output logic [255:0]  q_o,
  output logic [31:0]   scale_o
);
  import prim_vec_gates_pkg::*;

  localparam int unsigned Depth   = prim_vec_pkg::QuantDepth;
  localparam int unsigned Latency = prim_vec_pkg::QuantLatency;
  localparam int unsigned IdxBits = $clog2(Depth);

  logic [IdxBits:0]   inside_q, inside_d, done_q, done_d;
  logic [IdxBits-1:0] in_at_q, mid_at_q, out_at_q;
  logic [Latency-2:0] valid_q;
  logic               accept, take, finish;

  assign in_ready_o  = inside_q != (IdxBits+1)'(Depth);
  assign accept      = in_valid_i && in_ready_o;
  assign finish      = valid_q[Latency-2];  // in the last stage
  assign out_valid_o = done_q != '0;
  assign take        = out_valid_o && out_ready_i;
  assign idle_o      = inside_q == '0;

  assign inside_d = inside_q + (IdxBits+1)'(accept) - (IdxBits+1)'(take);
  assign done_d   = done_q + (IdxBits+1)'(valid_q[Latency-2]) - (IdxBits+1)'(take);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      inside_q <= '0;
      done_q   <= '0;
      valid_q  <= '0;
      in_at_q  <= '0;
      mid_at_q <= '0;
      out_at_q <= '0;
    end else if (clear_i) begin
      inside_q <= '0;
      done_q   <= '0;
      valid_q  <= '0;
      in_at_q  <= '0;
      mid_at_q <= '0;
      out_at_q <= '0;
    end else begin
      inside_q <= inside_d;
      done_q   <= done_d;
      valid_q  <= {valid_q[Latency-3:0], accept};
      in_at_q  <= in_at_q + IdxBits'(accept);
      mid_at_q <= mid_at_q + IdxBits'(finish);
      out_at_q <= out_at_q + IdxBits'(take);
    end
  end

  // --- magnitude ---

  logic [1023:0] x_mem_q [0:Depth-1];
  logic [30:0]   amax, amax_q;

  always_comb begin
    amax = 31'h0;
    for (int unsigned i = 0; i < 32; i++) begin
      if ((x_i[32*i+23+:8] != 8'h00) && (x_i[32*i+:31] > amax)) amax = x_i[32*i+:31];
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) x_mem_q[in_at_q] <= x_i;
    amax_q <= amax;
  end

  // --- scale ---

  logic [31:0] d, d_q;
  logic        nan_q;

  prim_fp32_mul u_scale (
    .a_i({1'b0, amax_q}),
    .b_i(ig1_numbers_pkg::F32QuantInv127),
    .y_o(d)
  );

  always_ff @(posedge clk_i) begin
    d_q   <= d;
    nan_q <= amax_q[30:23] == 8'hff;
  end

  // --- reciprocal: three times t = 1 - m * y, y = y + y * t ---

  logic [6:0]      nan_s;   // stage s works on nan_s[s], d_s[s]
  logic [6:0][31:0] d_s, y_s, t_s;

  assign nan_s[0] = nan_q;
  assign d_s[0]   = d_q;
  assign y_s[0]   = recip_seed(d_q);
  assign t_s[0]   = 32'h0;

  for (genvar s = 0; s < 6; s++) begin : gen_recip
    logic        nan_stage_q;
    logic [31:0] d_stage_q, y_stage_q, t_stage_q, sum;

    prim_fp32_mad u_mad (
      .a_i((s % 2 == 0) ? recip_neg_m(d_s[s]) : y_s[s]),
      .b_i((s % 2 == 0) ? y_s[s] : t_s[s]),
      .c_i((s % 2 == 0) ? ig1_numbers_pkg::F32One : y_s[s]),
      .y_o(sum)
    );

    always_ff @(posedge clk_i) begin
      nan_stage_q <= nan_s[s];
      d_stage_q   <= d_s[s];
      t_stage_q   <= sum;
      y_stage_q   <= (s % 2 == 0) ? y_s[s] : ((s == 5) ? recip_fin(d_s[s], sum) : sum);
    end

    assign nan_s[s+1] = nan_stage_q;
    assign d_s[s+1]   = d_stage_q;
    assign y_s[s+1]   = y_stage_q;
    assign t_s[s+1]   = t_stage_q;
  end

  // the last stage rounds, the one before it left 1/d in y
  logic [1023:0] x_mid;
  logic [255:0]  q;
  logic          zero;

  assign x_mid = x_mem_q[mid_at_q];
  assign zero  = nan_s[6] || (d_s[6] == 32'h0);

  for (genvar i = 0; i < 32; i++) begin : gen_round
    logic [31:0] scaled;
    logic [7:0]  rounded;

    prim_fp32_mul u_mul (
      .a_i(x_mid[32*i+:32]),
      .b_i(y_s[6]),
      .y_o(scaled)
    );
    prim_fp32_to_i8 u_round (
      .x_i(scaled),
      .q_o(rounded)
    );
    assign q[8*i+:8] = zero ? 8'h0 : rounded;
  end

  logic unused_t;
  assign unused_t = ^t_s[6];

  // --- results ---

  logic [287:0] out_mem_q [0:Depth-1];

  always_ff @(posedge clk_i) begin
    if (finish) out_mem_q[mid_at_q] <= {nan_s[6] ? ig1_numbers_pkg::F32Nan : d_s[6], q};
  end

  assign {scale_o, q_o} = out_mem_q[out_at_q];

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  InStable_A: assert property (@(posedge clk_i) disable iff (in_reset || clear_i)
    in_valid_i && !in_ready_o |=> in_valid_i) else $error("group withdrawn");
`endif
endmodule
