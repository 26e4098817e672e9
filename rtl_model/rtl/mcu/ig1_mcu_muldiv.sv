// SPDX-License-Identifier: MIT
//
// Multiplier and divider of the M extension. Both work on magnitudes and fix the sign at the end,
// so one 64-bit register serves the product and the {remainder, quotient} pair.
// After start_i a product is ready with done_o two cycles later, a quotient or remainder 33 cycles
// later. op_i (funct3) must be stable from start_i to done_o; operands are taken with start_i.
// Division by zero and overflow need no special case but one: a zero divisor leaves the quotient at
// all ones, which must not be negated.

module ig1_mcu_muldiv (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,
  input  logic [2:0]  op_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic        done_o,
  output logic [31:0] result_o
);

  logic        busy_q, busy_d;
  logic [5:0]  count_q, count_d;
  logic [63:0] acc_q, acc_d;
  logic [31:0] b_q, b_d;
  logic        neg_q, neg_d;

  logic        is_div, use_hi, sign_a, sign_b;
  logic [32:0] part;      // partial remainder, shifted left by one
  logic [31:0] part_sub;
  logic        part_ge;
  logic [31:0] hi, lo;

  assign is_div = op_i[2];
  // mulh, mulhsu, mulhu take the high half of the product; rem, remu sit in the high half.
  assign use_hi = is_div ? op_i[1] : (op_i[1:0] != 2'b00);
  assign sign_a = a_i[31] && (is_div ? !op_i[0] : (op_i[1:0] != 2'b11));
  assign sign_b = b_i[31] && (is_div ? !op_i[0] : !op_i[1]);

  assign part     = acc_q[63:31];
  assign part_ge  = part >= {1'b0, b_q};
  assign part_sub = part[31:0] - b_q;

  always_comb begin
    busy_d  = busy_q;
    count_d = count_q;
    acc_d   = acc_q;
    b_d     = b_q;
    neg_d   = neg_q;
    if (start_i) begin
      busy_d  = 1'b1;
      count_d = is_div ? 6'd32 : 6'd1;
      acc_d   = {32'd0, sign_a ? -a_i : a_i};
      b_d     = sign_b ? -b_i : b_i;
      neg_d   = sign_a ^ sign_b;
      if (is_div) neg_d = op_i[1] ? sign_a : ((sign_a ^ sign_b) && b_i != 32'd0);
    end else if (busy_q) begin
      if (count_q == 6'd0) begin
        busy_d = 1'b0;
      end else begin
        count_d = count_q - 6'd1;
        if (is_div) acc_d = {part_ge ? part_sub : part[31:0], acc_q[30:0], part_ge};
        else        acc_d = {32'd0, acc_q[31:0]} * {32'd0, b_q};
      end
    end
  end

  assign hi     = acc_q[63:32];
  assign lo     = acc_q[31:0];
  assign done_o = busy_q && count_q == 6'd0;

  // The high half of a negated product is ~hi plus the carry out of ~lo + 1; a remainder is a
  // number of its own.
  always_comb begin
    result_o = use_hi ? hi : lo;
    if (neg_q) result_o = use_hi ? ~hi + {31'd0, is_div || lo == 32'd0} : -lo;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      count_q <= 6'd0;
    end else begin
      busy_q  <= busy_d;
      count_q <= count_d;
    end
  end

  always_ff @(posedge clk_i) begin
    acc_q <= acc_d;
    b_q   <= b_d;
    neg_q <= neg_d;
  end

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  StartWhenIdle_A: assert property (@(posedge clk_i) disable iff (in_reset)
    start_i |-> !busy_q) else $error("muldiv started while busy");
  OpStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    busy_q |-> $stable(op_i)) else $error("muldiv operation changed while busy");
  // The restoring step keeps the remainder below the divisor.
  RemainderSmall_A: assert property (@(posedge clk_i) disable iff (in_reset)
    done_o && is_div && b_q != 32'd0 |-> hi < b_q) else $error("remainder not below divisor");
`endif

endmodule
