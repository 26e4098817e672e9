// SPDX-License-Identifier: MIT
//
// Quantiser of one group, body in C: computed when the group is taken in, shown when the
// pipeline's cycles have passed. Contract: prim/gates/prim_quant32.sv.

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
  localparam int unsigned Depth   = prim_vec_pkg::QuantDepth;
  localparam int unsigned Latency = prim_vec_pkg::QuantLatency;
  localparam int unsigned IdxBits = $clog2(Depth);

  logic [IdxBits:0]   inside_q, done_q;
  logic [IdxBits-1:0] in_at_q, out_at_q;
  logic [Latency-2:0] valid_q;
  logic               accept, take;
  logic [287:0]       out_mem_q [0:Depth-1];

  assign in_ready_o  = inside_q != (IdxBits+1)'(Depth);
  assign accept      = in_valid_i && in_ready_o;
  assign out_valid_o = done_q != '0;
  assign take        = out_valid_o && out_ready_i;
  assign idle_o      = inside_q == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      inside_q <= '0;
      done_q   <= '0;
      valid_q  <= '0;
      in_at_q  <= '0;
      out_at_q <= '0;
    end else if (clear_i) begin
      inside_q <= '0;
      done_q   <= '0;
      valid_q  <= '0;
      in_at_q  <= '0;
      out_at_q <= '0;
    end else begin
      inside_q <= inside_q + (IdxBits+1)'(accept) - (IdxBits+1)'(take);
      done_q   <= done_q + (IdxBits+1)'(valid_q[Latency-2]) - (IdxBits+1)'(take);
      valid_q  <= {valid_q[Latency-3:0], accept};
      in_at_q  <= in_at_q + IdxBits'(accept);
      out_at_q <= out_at_q + IdxBits'(take);
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      automatic bit [255:0]  q;
      automatic int unsigned scale;
      scale = prim_dpi_pkg::ig1_dpi_quant32(x_i, q);
      out_mem_q[in_at_q] <= {scale, q};
    end
  end

  assign {scale_o, q_o} = out_mem_q[out_at_q];

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  InStable_A: assert property (@(posedge clk_i) disable iff (in_reset || clear_i)
    in_valid_i && !in_ready_o |=> in_valid_i) else $error("group withdrawn");
`endif
endmodule
