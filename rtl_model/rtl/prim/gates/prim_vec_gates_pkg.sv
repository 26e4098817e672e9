// SPDX-License-Identifier: MIT
//
// Microprograms of the vector lanes: every operation is a sequence of rounded multiply-adds
// (s1 * s2) + s3, with integer work on bit patterns before the first and after the last one of a
// special function folded into the operand and result selection. Definition: docs/isa.md "Numbers".

package prim_vec_gates_pkg;
  import ig1_numbers_pkg::*;

  // Negative zero: adding it changes nothing.
  localparam logic [31:0] NegZero = 32'h8000_0000;
  localparam logic [31:0] Sign    = 32'h8000_0000;
  localparam logic [31:0] NegOne  = F32One ^ Sign;

  typedef enum logic [3:0] {
    SelA,
    SelB,
    SelC,
    SelD,
    SelX,          // argument of a special function
    SelY,
    SelZ,
    SelT,
    SelRecipSeed,  // of X
    SelRecipNegM,  // minus the significand of X
    SelRsqrtSeed,
    SelRsqrtNegH,  // minus half the significand of X, which is in [1,4)
    SelK           // the step's constant
  } sel_e;

  typedef enum logic [1:0] {
    DstX,
    DstY,
    DstZ,
    DstT
  } dst_e;

  typedef enum logic [1:0] {
    FinNone,
    FinRecip,
    FinRsqrt,
    FinExp
  } fin_e;

  typedef struct packed {
    sel_e        s1;
    sel_e        s2;
    sel_e        s3;
    logic [31:0] k2;
    logic [31:0] k3;
    dst_e        dst;
    fin_e        fin;
    logic        is_max;
  } ustep_t;

  function automatic ustep_t mad(sel_e s1, sel_e s2, sel_e s3, dst_e dst);
    mad = '{s1: s1, s2: s2, s3: s3, k2: F32One, k3: NegZero, dst: dst, fin: FinNone,
            is_max: 1'b0};
  endfunction

  // X to Y in six steps
  function automatic ustep_t recip_step(logic [4:0] i);
    ustep_t u;
    case (i)
      5'd0:       u = mad(SelRecipNegM, SelRecipSeed, SelK, DstT);
      5'd1:       u = mad(SelRecipSeed, SelT, SelRecipSeed, DstY);
      5'd2, 5'd4: u = mad(SelRecipNegM, SelY, SelK, DstT);
      default:    u = mad(SelY, SelT, SelY, DstY);
    endcase
    u.k3 = F32One;
    if (i == 5'd5) u.fin = FinRecip;
    recip_step = u;
  endfunction

  // X to Y in nine steps
  function automatic ustep_t rsqrt_step(logic [4:0] i);
    ustep_t u;
    case (i)
      5'd0:             u = mad(SelRsqrtSeed, SelRsqrtSeed, SelK, DstT);
      5'd2:             u = mad(SelRsqrtSeed, SelT, SelK, DstY);
      5'd1, 5'd4, 5'd7: u = mad(SelRsqrtNegH, SelT, SelK, DstT);
      5'd3, 5'd6:       u = mad(SelY, SelY, SelK, DstT);
      default:          u = mad(SelY, SelT, SelK, DstY);
    endcase
    if ((i == 5'd1) || (i == 5'd4) || (i == 5'd7)) u.k3 = F32RsqrtThreeHalves;
    if (i == 5'd8) u.fin = FinRsqrt;
    rsqrt_step = u;
  endfunction

  // X to Y in nine steps; T keeps the shifted exponent, Z the reduced argument
  function automatic ustep_t exp_step(logic [4:0] i);
    ustep_t u;
    case (i)
      5'd0:    u = mad(SelX, SelK, SelK, DstT);
      5'd1:    u = mad(SelT, SelK, SelK, DstY);
      5'd2:    u = mad(SelY, SelK, SelX, DstZ);
      5'd3:    u = mad(SelY, SelK, SelZ, DstZ);
      5'd4:    u = mad(SelZ, SelK, SelK, DstY);
      default: u = mad(SelY, SelZ, SelK, DstY);
    endcase
    case (i)
      5'd0: begin
        u.k2 = F32ExpLog2e;
        u.k3 = F32ExpShift;
      end
      5'd1: u.k3 = F32ExpShift ^ Sign;
      5'd2: u.k2 = F32ExpNegLn2Hi;
      5'd3: u.k2 = F32ExpNegLn2Lo;
      5'd4: begin
        u.k2 = F32ExpC5;
        u.k3 = F32ExpC4;
      end
      5'd5:    u.k3 = F32ExpC3;
      5'd6:    u.k3 = F32ExpC2;
      default: u.k3 = F32One;
    endcase
    if (i == 5'd8) u.fin = FinExp;
    exp_step = u;
  endfunction

  function automatic ustep_t sigm_step(logic [4:0] i);
    ustep_t u;
    if (i < 5'd9) begin
      u = exp_step(i);
    end else if (i == 5'd9) begin
      u    = mad(SelY, SelK, SelK, DstX);
      u.k3 = F32One;
    end else begin
      u = recip_step(i - 5'd10);
    end
    sigm_step = u;
  endfunction

  function automatic ustep_t ustep(logic [7:0] op, logic [4:0] i, logic [31:0] alpha,
                                   logic [31:0] beta);
    ustep_t u;
    u = mad(SelA, SelK, SelK, DstT);
    case (op)
      ig1_pkg::OpVAdd: u = mad(SelA, SelK, SelB, DstT);
      ig1_pkg::OpVSub: begin
        u    = mad(SelB, SelK, SelA, DstT);
        u.k2 = NegOne;
      end
      ig1_pkg::OpVMul: u = mad(SelA, SelB, SelK, DstT);
      ig1_pkg::OpVMad: u = mad(SelA, SelB, SelC, DstT);
      ig1_pkg::OpVMul3: begin
        if (i == 5'd0) u = mad(SelA, SelB, SelK, DstT);
        else           u = mad(SelT, SelC, SelK, DstT);
      end
      ig1_pkg::OpVLin: begin
        u.k2 = alpha;
        u.k3 = beta;
      end
      ig1_pkg::OpVExps: begin
        if (i == 5'd0) begin
          u    = mad(SelB, SelK, SelA, DstT);
          u.k2 = NegOne;
        end else if (i == 5'd1) begin
          u    = mad(SelT, SelK, SelK, DstX);
          u.k2 = alpha;
        end else begin
          u = exp_step(i - 5'd2);
        end
      end
      ig1_pkg::OpVRecip: u = recip_step(i);
      ig1_pkg::OpVRsqrt: begin
        if (i == 5'd0) begin
          u    = mad(SelA, SelK, SelK, DstX);
          u.k2 = alpha;
          u.k3 = beta;
        end else begin
          u = rsqrt_step(i - 5'd1);
        end
      end
      ig1_pkg::OpVSigm: u = sigm_step(i);
      ig1_pkg::OpVSilu, ig1_pkg::OpVSilumul: begin
        if (i < 5'd16)       u = sigm_step(i);
        else if (i == 5'd16) u = mad(SelA, SelY, SelK, DstT);
        else                 u = mad(SelT, SelB, SelK, DstT);
      end
      ig1_pkg::OpVRot: begin
        if (i == 5'd0) u = mad(SelB, SelD, SelK, DstT);
        else           u = mad(SelA, SelC, SelT, DstT);
      end
      ig1_pkg::OpVMax: u.is_max = 1'b1;
      default: ;
    endcase
    ustep = u;
  endfunction

  // --- bit patterns ---

  /* verilator lint_off UNUSEDSIGNAL */  // most look at some fields only

  function automatic logic is_nan(logic [31:0] x);
    is_nan = (x[30:23] == 8'hff) && (x[22:0] != 23'h0);
  endfunction

  function automatic logic [31:0] recip_neg_m(logic [31:0] x);
    recip_neg_m = {9'h17f, x[22:0]};
  endfunction

  function automatic logic [31:0] recip_seed(logic [31:0] x);
    recip_seed = F32RecipSeed - {9'h07f, x[22:0]};
  endfunction

  // y = 1/m back to the exponent of x
  function automatic logic [31:0] recip_fin(logic [31:0] x, logic [31:0] y);
    logic [9:0] exp;
    exp = {2'b00, y[30:23]} + 10'd127 - {2'b00, x[30:23]};
    recip_fin = {x[31], exp[7:0], y[22:0]};
    if (is_nan(x))                           recip_fin = F32Nan;
    else if (x[30:23] == 8'hff)              recip_fin = {x[31], 31'h0};
    else if (x[30:23] == 8'h00)              recip_fin = {x[31], F32Inf[30:0]};
    else if (exp[9] || (exp == 10'd0))       recip_fin = {x[31], 31'h0};
  endfunction

  // x = m * 4^k with m in [1,4)
  function automatic logic [31:0] rsqrt_m(logic [31:0] x);
    rsqrt_m = {1'b0, x[23] ? 8'd127 : 8'd128, x[22:0]};
  endfunction

  function automatic logic [31:0] rsqrt_neg_h(logic [31:0] x);
    rsqrt_neg_h = {1'b1, x[23] ? 8'd126 : 8'd127, x[22:0]};
  endfunction

  function automatic logic [31:0] rsqrt_seed(logic [31:0] x);
    rsqrt_seed = F32RsqrtSeed - {1'b0, 31'(rsqrt_m(x) >> 1)};
  endfunction

  function automatic logic [31:0] rsqrt_fin(logic [31:0] x, logic [31:0] y);
    logic [8:0] twice_k;
    twice_k   = {1'b0, x[30:23]} - (x[23] ? 9'd127 : 9'd128);
    rsqrt_fin = y - {twice_k[8], twice_k[8:1], 23'h0};
    if (is_nan(x))                rsqrt_fin = F32Nan;
    else if (x[30:23] == 8'h00)   rsqrt_fin = F32Inf;
    else if (x[31])               rsqrt_fin = F32Nan;
    else if (x[30:23] == 8'hff)   rsqrt_fin = 32'h0;
  endfunction

  // t = shift + k
  function automatic logic [31:0] exp_fin(logic [31:0] x, logic [31:0] t, logic [31:0] p);
    logic [31:0] exp;
    exp     = {24'h0, p[30:23]} + (t - F32ExpShift);
    exp_fin = {1'b0, exp[7:0], p[22:0]};
    if (is_nan(x))                                      exp_fin = F32Nan;
    else if (!x[31] && (x[30:0] > F32ExpHi[30:0]))      exp_fin = F32Inf;
    else if (x[31] && (x[30:0] > F32ExpLo[30:0]))       exp_fin = 32'h0;
    else if (exp[31] || (exp == 32'h0))                 exp_fin = 32'h0;
    else if (exp >= 32'd255)                            exp_fin = F32Inf;
  endfunction

  // Integers in the order of the numbers: subnormals are zeros, NaN is greatest.
  function automatic logic [31:0] order_key(logic [31:0] x);
    if (is_nan(x))               order_key = F32Nan;
    else if (x[30:23] == 8'h00)  order_key = x[31] ? 32'hffff_ffff : 32'h0;
    else                         order_key = x[31] ? {1'b1, ~x[30:0]} : x;
  endfunction

  function automatic logic [31:0] from_order_key(logic [31:0] k);
    from_order_key = k[31] ? {1'b1, ~k[30:0]} : k;
  endfunction

  /* verilator lint_on UNUSEDSIGNAL */
endpackage
