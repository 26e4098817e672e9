// SPDX-License-Identifier: MIT
//
// Arithmetic and logic unit, combinational. The adder also forms load and store addresses and jump
// targets; eq_o and lt_o decide branches, lt_o being signed for every operation but AluSltu.

module ig1_mcu_alu (
  input  ig1_mcu_pkg::alu_op_e        op_i,
  input  logic                 [31:0] a_i,
  input  logic                 [31:0] b_i,
  output logic                 [31:0] result_o,
  output logic                        eq_o,
  output logic                        lt_o
);

  logic sign_flip;

  assign sign_flip = op_i != ig1_mcu_pkg::AluSltu;
  assign eq_o      = a_i == b_i;
  // Inverting both sign bits turns the signed comparison into the unsigned one.
  assign lt_o      = {a_i[31] ^ sign_flip, a_i[30:0]} < {b_i[31] ^ sign_flip, b_i[30:0]};

  always_comb begin
    result_o = a_i + b_i;
    unique case (op_i)
      ig1_mcu_pkg::AluSub:  result_o = a_i - b_i;
      ig1_mcu_pkg::AluSll:  result_o = a_i << b_i[4:0];
      ig1_mcu_pkg::AluSrl:  result_o = a_i >> b_i[4:0];
      ig1_mcu_pkg::AluSra:  result_o = $unsigned($signed(a_i) >>> b_i[4:0]);
      ig1_mcu_pkg::AluSlt,
      ig1_mcu_pkg::AluSltu: result_o = {31'd0, lt_o};
      ig1_mcu_pkg::AluXor:  result_o = a_i ^ b_i;
      ig1_mcu_pkg::AluOr:   result_o = a_i | b_i;
      ig1_mcu_pkg::AluAnd:  result_o = a_i & b_i;
      default: ;
    endcase
  end

endmodule
