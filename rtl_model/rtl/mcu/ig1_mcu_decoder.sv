// SPDX-License-Identifier: MIT
//
// Instruction decoder, combinational. Everything that is not RV32IM, Zicsr, fence, fence.i or a
// machine-mode system instruction is ClassIllegal. Whether a CSR exists is judged by ig1_mcu_csr.

module ig1_mcu_decoder (
  input  logic                 [31:0] instr_i,
  output ig1_mcu_pkg::class_e         class_o,
  output ig1_mcu_pkg::alu_op_e        alu_op_o,
  output logic                        a_pc_o,    // operand a is the program counter
  output logic                        a_zero_o,  // operand a is zero
  output logic                        b_imm_o,   // operand b is the immediate
  output logic                 [31:0] imm_o
);

  logic [31:0] imm_i_type;
  logic [2:0]  funct3;
  logic [6:0]  funct7;

  assign imm_i_type = {{20{instr_i[31]}}, instr_i[31:20]};
  assign funct3     = instr_i[14:12];
  assign funct7     = instr_i[31:25];

  always_comb begin
    class_o  = ig1_mcu_pkg::ClassIllegal;
    alu_op_o = ig1_mcu_pkg::AluAdd;
    a_pc_o   = 1'b0;
    a_zero_o = 1'b0;
    b_imm_o  = 1'b1;
    imm_o    = imm_i_type;

    unique case (instr_i[6:0])
      ig1_mcu_pkg::OpLui: begin
        class_o  = ig1_mcu_pkg::ClassAlu;
        a_zero_o = 1'b1;
        imm_o    = {instr_i[31:12], 12'h000};
      end

      ig1_mcu_pkg::OpAuipc: begin
        class_o = ig1_mcu_pkg::ClassAlu;
        a_pc_o  = 1'b1;
        imm_o   = {instr_i[31:12], 12'h000};
      end

      ig1_mcu_pkg::OpJal: begin
        class_o = ig1_mcu_pkg::ClassJump;
        a_pc_o  = 1'b1;
        imm_o   = {{12{instr_i[31]}}, instr_i[19:12], instr_i[20], instr_i[30:21], 1'b0};
      end

      ig1_mcu_pkg::OpJalr: if (funct3 == 3'b000) class_o = ig1_mcu_pkg::ClassJump;

      ig1_mcu_pkg::OpBranch: begin
        // The ALU compares; the target has an adder of its own.
        b_imm_o  = 1'b0;
        alu_op_o = funct3[1] ? ig1_mcu_pkg::AluSltu : ig1_mcu_pkg::AluSlt;
        imm_o    = {{20{instr_i[31]}}, instr_i[7], instr_i[30:25], instr_i[11:8], 1'b0};
        if (funct3[2:1] != 2'b01) class_o = ig1_mcu_pkg::ClassBranch;
      end

      ig1_mcu_pkg::OpLoad: begin
        if (funct3 != 3'b011 && funct3[2:1] != 2'b11) class_o = ig1_mcu_pkg::ClassLoad;
      end

      ig1_mcu_pkg::OpStore: begin
        imm_o = {{20{instr_i[31]}}, instr_i[31:25], instr_i[11:7]};
        if (!funct3[2] && funct3[1:0] != 2'b11) class_o = ig1_mcu_pkg::ClassStore;
      end

      ig1_mcu_pkg::OpImm: begin
        unique case (funct3)
          3'b000: class_o = ig1_mcu_pkg::ClassAlu;
          3'b001: begin
            alu_op_o = ig1_mcu_pkg::AluSll;
            if (funct7 == 7'h00) class_o = ig1_mcu_pkg::ClassAlu;
          end
          3'b010: begin
            alu_op_o = ig1_mcu_pkg::AluSlt;
            class_o  = ig1_mcu_pkg::ClassAlu;
          end
          3'b011: begin
            alu_op_o = ig1_mcu_pkg::AluSltu;
            class_o  = ig1_mcu_pkg::ClassAlu;
          end
          3'b100: begin
            alu_op_o = ig1_mcu_pkg::AluXor;
            class_o  = ig1_mcu_pkg::ClassAlu;
          end
          3'b101: begin
            alu_op_o = funct7[5] ? ig1_mcu_pkg::AluSra : ig1_mcu_pkg::AluSrl;
            if (funct7 == 7'h00 || funct7 == 7'h20) class_o = ig1_mcu_pkg::ClassAlu;
          end
          3'b110: begin
            alu_op_o = ig1_mcu_pkg::AluOr;
            class_o  = ig1_mcu_pkg::ClassAlu;
          end
          default: begin
            alu_op_o = ig1_mcu_pkg::AluAnd;
            class_o  = ig1_mcu_pkg::ClassAlu;
          end
        endcase
      end

      ig1_mcu_pkg::OpReg: begin
        b_imm_o = 1'b0;
        unique case ({funct7, funct3})
          {7'h00, 3'b000}: alu_op_o = ig1_mcu_pkg::AluAdd;
          {7'h20, 3'b000}: alu_op_o = ig1_mcu_pkg::AluSub;
          {7'h00, 3'b001}: alu_op_o = ig1_mcu_pkg::AluSll;
          {7'h00, 3'b010}: alu_op_o = ig1_mcu_pkg::AluSlt;
          {7'h00, 3'b011}: alu_op_o = ig1_mcu_pkg::AluSltu;
          {7'h00, 3'b100}: alu_op_o = ig1_mcu_pkg::AluXor;
          {7'h00, 3'b101}: alu_op_o = ig1_mcu_pkg::AluSrl;
          {7'h20, 3'b101}: alu_op_o = ig1_mcu_pkg::AluSra;
          {7'h00, 3'b110}: alu_op_o = ig1_mcu_pkg::AluOr;
          {7'h00, 3'b111}: alu_op_o = ig1_mcu_pkg::AluAnd;
          default: ;
        endcase
        if (funct7 == 7'h01) begin
          class_o = ig1_mcu_pkg::ClassMulDiv;
        end else if (funct7 == 7'h00 ||
                     (funct7 == 7'h20 && (funct3 == 3'b000 || funct3 == 3'b101))) begin
          class_o = ig1_mcu_pkg::ClassAlu;
        end
      end

      // Memory is coherent and one access is in flight at most: both fences have nothing to do.
      // Their remaining fields are reserved and ignored, as the specification asks.
      ig1_mcu_pkg::OpMiscMem: if (funct3[2:1] == 2'b00) class_o = ig1_mcu_pkg::ClassNop;

      ig1_mcu_pkg::OpSystem: begin
        if (funct3[1:0] != 2'b00) begin
          class_o = ig1_mcu_pkg::ClassCsr;
        end else begin
          unique case (instr_i[31:7])
            {12'h000, 13'h0}: class_o = ig1_mcu_pkg::ClassEcall;
            {12'h001, 13'h0}: class_o = ig1_mcu_pkg::ClassEbreak;
            {12'h302, 13'h0}: class_o = ig1_mcu_pkg::ClassMret;
            {12'h105, 13'h0}: class_o = ig1_mcu_pkg::ClassWfi;
            default: ;
          endcase
        end
      end

      default: ;
    endcase
  end

endmodule
