// SPDX-License-Identifier: MIT
//
// Types and constants of the management microcontroller: RV32IM, Zicsr, machine mode only.
// Encodings are those of the RISC-V unprivileged (20191213) and privileged (1.12) specifications.

package ig1_mcu_pkg;

  // Major opcodes, bits 6:0 of the instruction.
  typedef enum logic [6:0] {
    OpLoad    = 7'h03,
    OpMiscMem = 7'h0f,
    OpImm     = 7'h13,
    OpAuipc   = 7'h17,
    OpStore   = 7'h23,
    OpReg     = 7'h33,
    OpLui     = 7'h37,
    OpBranch  = 7'h63,
    OpJalr    = 7'h67,
    OpJal     = 7'h6f,
    OpSystem  = 7'h73
  } opcode_e;

  // {alternate (bit 30), funct3}, so that register operations need no translation.
  typedef enum logic [3:0] {
    AluAdd  = 4'b0000,
    AluSll  = 4'b0001,
    AluSlt  = 4'b0010,
    AluSltu = 4'b0011,
    AluXor  = 4'b0100,
    AluSrl  = 4'b0101,
    AluOr   = 4'b0110,
    AluAnd  = 4'b0111,
    AluSub  = 4'b1000,
    AluSra  = 4'b1101
  } alu_op_e;

  // What the control state machine does with an instruction.
  typedef enum logic [3:0] {
    ClassAlu,
    ClassJump,
    ClassBranch,
    ClassLoad,
    ClassStore,
    ClassMulDiv,
    ClassCsr,
    ClassNop,
    ClassEcall,
    ClassEbreak,
    ClassMret,
    ClassWfi,
    ClassIllegal
  } class_e;

  typedef enum logic [2:0] {
    StReset,
    StFetch,
    StExec,
    StMemReq,
    StMemRsp,
    StMulDiv,
    StSleep,
    StLockup
  } state_e;

  // Bits 1:0 of funct3 of a CSR instruction.
  typedef enum logic [1:0] {
    CsrOpNone  = 2'b00,
    CsrOpWrite = 2'b01,
    CsrOpSet   = 2'b10,
    CsrOpClear = 2'b11
  } csr_op_e;

  typedef enum logic [11:0] {
    CsrMstatus    = 12'h300,
    CsrMisa       = 12'h301,
    CsrMie        = 12'h304,
    CsrMtvec      = 12'h305,
    CsrMstatush   = 12'h310,
    CsrMscratch   = 12'h340,
    CsrMepc       = 12'h341,
    CsrMcause     = 12'h342,
    CsrMtval      = 12'h343,
    CsrMip        = 12'h344,
    CsrMcycle     = 12'hb00,
    CsrMinstret   = 12'hb02,
    CsrMcycleh    = 12'hb80,
    CsrMinstreth  = 12'hb82,
    CsrMvendorid  = 12'hf11,
    CsrMarchid    = 12'hf12,
    CsrMimpid     = 12'hf13,
    CsrMhartid    = 12'hf14,
    CsrMconfigptr = 12'hf15
  } csr_e;

  // Bit positions in mstatus, mie and mip.
  localparam int unsigned StatusMieBit  = 3;
  localparam int unsigned StatusMpieBit = 7;
  localparam int unsigned IrqTimerBit   = 7;
  localparam int unsigned IrqExtBit     = 11;

  // mcause: interrupt flag and code; codes need five bits at most.
  typedef struct packed {
    logic       irq;
    logic [4:0] code;
  } cause_t;

  localparam cause_t CauseInstrMisaligned = 6'h00;
  localparam cause_t CauseInstrFault      = 6'h01;
  localparam cause_t CauseIllegal         = 6'h02;
  localparam cause_t CauseBreakpoint      = 6'h03;
  localparam cause_t CauseLoadMisaligned  = 6'h04;
  localparam cause_t CauseLoadFault       = 6'h05;
  localparam cause_t CauseStoreMisaligned = 6'h06;
  localparam cause_t CauseStoreFault      = 6'h07;
  localparam cause_t CauseEcallM          = 6'h0b;
  localparam cause_t CauseIrqTimer        = 6'h27;
  localparam cause_t CauseIrqExt          = 6'h2b;

  localparam logic [31:0] MisaValue   = 32'h4000_1100;  // RV32, I and M
  localparam logic [31:0] MimpidValue = 32'h0000_0001;

  // Memory map. SRAM starts at zero; everything with one of the two top bits set is peripherals.
  localparam logic [15:0] ClintPage     = 16'h0200;  // address bits 31:16
  localparam logic [15:0] ClintMtimecmp  = 16'h4000;  // low word, high word at +4
  localparam logic [15:0] ClintMtime     = 16'hbff8;

endpackage
