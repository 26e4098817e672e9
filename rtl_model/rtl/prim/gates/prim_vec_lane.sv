// SPDX-License-Identifier: MIT
//
// One lane: a rounded multiply-add a cycle under the control of a microprogram. In the first step
// the operands come from the ports, later from registers. The result of the last step is y_o from
// the next edge until the next last step.

module prim_vec_lane (
  input  logic                       clk_i,
  input  prim_vec_gates_pkg::ustep_t step_i,
  input  logic                       run_i,
  input  logic                       first_i,
  input  logic                       last_i,
  input  logic                       negate_x_i,  // the special function's argument is -a
  input  logic [31:0]                a_i,
  input  logic [31:0]                b_i,
  input  logic [31:0]                c_i,
  input  logic [31:0]                d_i,
  output logic [31:0]                y_o
);
  // verilator no_inline_module
  import prim_vec_gates_pkg::*;

  logic [31:0] a_q, b_q, c_q, d_q, x_q, y_q, z_q, t_q, out_q;
  logic [31:0] a, b, c, d, x;
  logic [31:0] s1, s2, s3, sum, greater, result;

  assign a = first_i ? a_i : a_q;
  assign b = first_i ? b_i : b_q;
  assign c = first_i ? c_i : c_q;
  assign d = first_i ? d_i : d_q;
  assign x = first_i ? {a_i[31] ^ negate_x_i, a_i[30:0]} : x_q;

  always_comb begin
    case (step_i.s1)
      SelA:         s1 = a;
      SelB:         s1 = b;
      SelX:         s1 = x;
      SelY:         s1 = y_q;
      SelZ:         s1 = z_q;
      SelT:         s1 = t_q;
      SelRecipSeed: s1 = recip_seed(x);
      SelRecipNegM: s1 = recip_neg_m(x);
      SelRsqrtSeed: s1 = rsqrt_seed(x);
      default:      s1 = rsqrt_neg_h(x);
    endcase
    case (step_i.s2)
      SelB:         s2 = b;
      SelC:         s2 = c;
      SelD:         s2 = d;
      SelY:         s2 = y_q;
      SelZ:         s2 = z_q;
      SelT:         s2 = t_q;
      SelRecipSeed: s2 = recip_seed(x);
      SelRsqrtSeed: s2 = rsqrt_seed(x);
      default:      s2 = step_i.k2;
    endcase
    case (step_i.s3)
      SelA:         s3 = a;
      SelB:         s3 = b;
      SelC:         s3 = c;
      SelX:         s3 = x;
      SelY:         s3 = y_q;
      SelZ:         s3 = z_q;
      SelT:         s3 = t_q;
      SelRecipSeed: s3 = recip_seed(x);
      default:      s3 = step_i.k3;
    endcase
  end

  prim_fp32_mad u_mad (
    .a_i(s1),
    .b_i(s2),
    .c_i(s3),
    .y_o(sum)
  );

  prim_fp32_max u_max (
    .a_i(a),
    .b_i(b),
    .y_o(greater)
  );

  always_comb begin
    case (step_i.fin)
      FinRecip: result = recip_fin(x, sum);
      FinRsqrt: result = rsqrt_fin(x, sum);
      FinExp:   result = exp_fin(x, t_q, sum);
      default:  result = step_i.is_max ? greater : sum;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (run_i) begin
      a_q <= a;
      b_q <= b;
      c_q <= c;
      d_q <= d;
      x_q <= (step_i.dst == DstX) ? result : x;
      if (step_i.dst == DstY) y_q <= result;
      if (step_i.dst == DstZ) z_q <= result;
      if (step_i.dst == DstT) t_q <= result;
      if (last_i) out_q <= result;
    end
  end

  assign y_o = out_q;
endmodule
