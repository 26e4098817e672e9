// SPDX-License-Identifier: MIT
// From a command and the registers: the command with its operands resolved, and what the checks at
// issue need (docs/isa.md, "Checks at issue"). Combinational; opnd_i selects one range operand.
// Operands are isolated: with en_i low the outputs are zero and nothing is computed, which keeps the
// adders quiet in silicon and costs nothing in simulation.

module ig1_seq_resolve (
    input  logic                  en_i,
    input  logic        [ 1023:0] cmd_i,
    input  logic        [31:0][63:0] regs_i,
    output logic        [ 1023:0] cmd_o,
    // counts, alignment and field rules, in the order of the specification
    output logic                  bad_o,
    output logic        [    7:0] bad_code_o,
    output logic        [   63:0] bad_addr_o,
    output logic                  zero_o,        // a count is zero: nothing to do
    // range operand
    input  logic        [    2:0] opnd_i,
    output logic                  opnd_last_o,
    output logic                  opnd_used_o,
    output logic        [    7:0] opnd_fault_o,  // code when out of range; tells the space
    output logic        [   63:0] opnd_base_o,
    output logic   [2:0][   24:0] opnd_n_o,
    output logic   [2:0][   39:0] opnd_step_o,   // signed bytes
    output logic        [   39:0] opnd_tail_o
);
  localparam int unsigned NumCounts = 4;
  localparam int unsigned NumAligns = 14;
  localparam logic [63:0] Max = 64'(ig1_pkg::MaxCount);

  function automatic logic [39:0] sx(logic [31:0] v, logic [1:0] shift);
    sx = {{8{v[31]}}, v} << shift;
  endfunction

  ig1_pkg::cmd_mm_t mm;
  ig1_pkg::cmd_emb_t emb;
  ig1_pkg::cmd_att_t att;
  ig1_pkg::cmd_vec_t vec;
  ig1_pkg::cmd_dma_t dma;
  assign mm  = ig1_pkg::cmd_mm_t'(cmd_i);
  assign emb = ig1_pkg::cmd_emb_t'(cmd_i);
  assign att = ig1_pkg::cmd_att_t'(cmd_i);
  assign vec = ig1_pkg::cmd_vec_t'(cmd_i);
  assign dma = ig1_pkg::cmd_dma_t'(cmd_i);

  logic is_mm, is_emb, is_att, is_pv, is_vec, is_dma;
  assign is_mm = mm.op == ig1_pkg::OpTMm;
  assign is_emb = mm.op == ig1_pkg::OpTEmb;
  assign is_pv = mm.op == ig1_pkg::OpTPv;
  assign is_att = is_pv || mm.op == ig1_pkg::OpTQk;
  assign is_dma = mm.op == ig1_pkg::OpDLd || mm.op == ig1_pkg::OpDSt;
  assign is_vec = !is_mm && !is_emb && !is_att && !is_dma;

  // which operands a vector operation has
  logic use_a, use_b, use_c, use_d, use_y, use_z, q8;
  always_comb begin
    {use_d, use_c, use_b, use_a} = ig1_pkg::vec_sources(vec.op);
    q8 = vec.out == ig1_pkg::VfmtQ8;
    use_y = vec.out != ig1_pkg::VfmtNone;
    use_z = q8 || vec.red != ig1_pkg::VredNone;
  end

  // resolved operands
  logic [63:0] rom, rows, cols, x, xs, y, kv, ks, npos, heads;
  logic [63:0] n0, n1, n2, a, b, c, d, vy, vz, va, sp, bytes;
  always_comb begin
    rom = '0;
    rows = '0;
    cols = '0;
    x = '0;
    xs = '0;
    y = '0;
    kv = '0;
    ks = '0;
    npos = '0;
    heads = '0;
    n0 = '0;
    n1 = '0;
    n2 = '0;
    a = '0;
    b = '0;
    c = '0;
    d = '0;
    vy = '0;
    vz = '0;
    va = '0;
    sp = '0;
    bytes = '0;
    if (en_i) begin
      rom = mm.rom + regs_i[mm.rrom];
      rows = is_mm ? 64'(mm.rows) + regs_i[mm.rrows] : 64'(emb.rows);
      cols = 64'(mm.cols) + regs_i[mm.rcols];
      // idx of t.emb stands where x of t.mm does
      x = is_att ? 64'(att.x) + regs_i[att.rx] : 64'(mm.x) + regs_i[mm.rx];
      xs = is_att ? 64'(att.xs) + regs_i[att.rxs] : 64'(mm.xs) + regs_i[mm.rxs];
      y = is_att ? 64'(att.y) + regs_i[att.ry] : 64'(mm.y) + regs_i[mm.ry];
      kv = att.kv + regs_i[att.rkv];
      ks = att.ks + regs_i[att.rks];
      npos = 64'(att.npos) + regs_i[att.rnpos];
      heads = 64'(32'(att.heads) * 32'(att.qper));
      n0 = 64'(vec.n0) + regs_i[vec.rn0];
      n1 = is_dma ? 64'(dma.n1) + regs_i[dma.rn1] : 64'(vec.n1) + regs_i[vec.rn1];
      n2 = is_dma ? 64'(dma.n2) + regs_i[dma.rn2] : 64'(vec.n2) + regs_i[vec.rn2];
      a = 64'(vec.a) + regs_i[vec.ra];
      b = 64'(vec.bb) + regs_i[vec.rb];
      c = 64'(vec.c) + regs_i[vec.rc];
      d = 64'(vec.dd) + regs_i[vec.rc];
      vy = 64'(vec.y) + regs_i[vec.ry];
      vz = 64'(vec.z) + regs_i[vec.rz];
      va = dma.va + regs_i[dma.rva];
      sp = 64'(dma.sp) + regs_i[dma.rsp];
      bytes = 64'(dma.bytes) + regs_i[dma.rbytes];
    end
  end

  // the command as the engine gets it
  always_comb begin
    cmd_o = '0;
    if (en_i) begin
      if (is_mm) begin
        cmd_o = mm;
        cmd_o[ig1_pkg::CmdMmRomLsb+:64] = rom;
        cmd_o[ig1_pkg::CmdMmRowsLsb+:32] = rows[31:0];
        cmd_o[ig1_pkg::CmdMmColsLsb+:32] = cols[31:0];
        cmd_o[ig1_pkg::CmdMmXLsb+:32] = x[31:0];
        cmd_o[ig1_pkg::CmdMmXsLsb+:32] = xs[31:0];
        cmd_o[ig1_pkg::CmdMmYLsb+:32] = y[31:0];
      end else if (is_emb) begin
        cmd_o = emb;
        cmd_o[ig1_pkg::CmdEmbRomLsb+:64] = rom;
        cmd_o[ig1_pkg::CmdEmbColsLsb+:32] = cols[31:0];
        cmd_o[ig1_pkg::CmdEmbIdxLsb+:32] = x[31:0];
        cmd_o[ig1_pkg::CmdEmbYLsb+:32] = y[31:0];
      end else if (is_att) begin
        cmd_o = att;
        cmd_o[ig1_pkg::CmdAttKvLsb+:64] = kv;
        cmd_o[ig1_pkg::CmdAttKsLsb+:64] = ks;
        cmd_o[ig1_pkg::CmdAttNposLsb+:32] = npos[31:0];
        cmd_o[ig1_pkg::CmdAttXLsb+:32] = x[31:0];
        cmd_o[ig1_pkg::CmdAttXsLsb+:32] = xs[31:0];
        cmd_o[ig1_pkg::CmdAttYLsb+:32] = y[31:0];
      end else if (is_dma) begin
        cmd_o = dma;
        cmd_o[ig1_pkg::CmdDmaVaLsb+:64] = va;
        cmd_o[ig1_pkg::CmdDmaSpLsb+:32] = sp[31:0];
        cmd_o[ig1_pkg::CmdDmaBytesLsb+:32] = bytes[31:0];
        cmd_o[ig1_pkg::CmdDmaN1Lsb+:32] = n1[31:0];
        cmd_o[ig1_pkg::CmdDmaN2Lsb+:32] = n2[31:0];
      end else begin
        cmd_o = vec;
        cmd_o[ig1_pkg::CmdVecN0Lsb+:32] = n0[31:0];
        cmd_o[ig1_pkg::CmdVecN1Lsb+:32] = n1[31:0];
        cmd_o[ig1_pkg::CmdVecN2Lsb+:32] = n2[31:0];
        cmd_o[ig1_pkg::CmdVecALsb+:32] = a[31:0];
        cmd_o[ig1_pkg::CmdVecBbLsb+:32] = b[31:0];
        cmd_o[ig1_pkg::CmdVecCLsb+:32] = c[31:0];
        cmd_o[ig1_pkg::CmdVecDdLsb+:32] = d[31:0];
        cmd_o[ig1_pkg::CmdVecYLsb+:32] = vy[31:0];
        cmd_o[ig1_pkg::CmdVecZLsb+:32] = vz[31:0];
      end
    end
  end

  // Counts, then field rules, then alignment; lists are in order, an entry is (value, mask).
  logic [NumCounts-1:0][63:0] cnt;
  logic [NumAligns-1:0][63:0] al;
  logic [NumAligns-1:0][9:0] al_mask;
  logic dims_bad, zero;
  assign dims_bad = is_pv && 32'(att.dims) > {11'b0, att.groups, 5'b0};

  always_comb begin
    // entries beyond a format's own are 1 (counts) and 0 (alignment), which always pass
    cnt = {64'd1, 64'd1, 64'd1, 64'd1};
    al = '0;
    al_mask = '0;
    zero = 1'b0;
    if (!en_i) begin
      zero = 1'b1;
    end else if (is_mm || is_emb) begin
      cnt[0] = rows;
      cnt[1] = 64'(mm.groups);
      cnt[2] = cols;
      al[0] = rom;
      al[1] = 64'(mm.wstride);
      al[2] = x;
      al[3] = 64'(mm.xstride);
      al[4] = is_mm ? xs : 64'd0;
      al[5] = is_mm ? 64'(mm.xsstride) : 64'd0;
      al[6] = y;
      al[7] = 64'(mm.ystride);
      al_mask[0] = 10'h001;
      al_mask[1] = 10'h001;
      for (int unsigned i = 2; i < 8; i++) al_mask[i] = 10'h003;
    end else if (is_att) begin
      cnt[0] = npos;
      cnt[1] = heads;
      zero = att.groups == 16'd0 || (is_pv && att.dims == 16'd0);
      al[0] = kv;
      al[1] = is_pv ? 64'd0 : ks;
      al[2] = x;
      al[3] = 64'(att.xstride);
      al[4] = xs;
      al[5] = 64'(att.xsstride);
      al[6] = y;
      al[7] = 64'(att.ystride);
      al[8] = is_pv ? 64'(att.xgstride) : 64'd0;
      al[9] = is_pv ? 64'(att.xsgstride) : 64'd0;
      al[10] = 64'(att.bstride);
      al[11] = is_pv ? 64'd0 : 64'(att.sbstride);
      al_mask[0] = 10'h3ff;
      al_mask[1] = 10'h07f;
      for (int unsigned i = 2; i < 10; i++) al_mask[i] = 10'h003;
      al_mask[10] = 10'h3ff;
      al_mask[11] = 10'h07f;
    end else if (is_dma) begin
      cnt[0] = bytes;
      cnt[1] = n1;
      cnt[2] = n2;
      al[0] = va;
      al[1] = dma.v1;
      al[2] = dma.v2;
      al[3] = sp;
      al[4] = 64'(dma.s1);
      al[5] = 64'(dma.s2);
      al[6] = bytes;
      for (int unsigned i = 0; i < 7; i++) al_mask[i] = 10'h003;
    end else begin
      cnt[0] = n0;
      cnt[1] = n1;
      cnt[2] = n2;
      al[0] = use_a ? a : 64'd0;
      al[1] = use_b ? b : 64'd0;
      al[2] = use_c ? c : 64'd0;
      al[3] = use_d ? d : 64'd0;
      al[4] = use_y ? vy : 64'd0;
      al[5] = q8 ? 64'($signed(vec.y1)) : 64'd0;
      al[6] = q8 ? 64'($signed(vec.y2)) : 64'd0;
      al[7] = use_z ? vz : 64'd0;
      for (int unsigned i = 0; i < 8; i++) al_mask[i] = 10'h003;
    end
    if (en_i) for (int unsigned i = 0; i < NumCounts; i++) zero |= cnt[i] == 64'd0;
  end

  logic count_bad;
  always_comb begin
    bad_o = 1'b0;
    bad_code_o = ig1_pkg::FaultNone;
    bad_addr_o = '0;
    count_bad = 1'b0;
    zero_o = 1'b0;
    if (en_i) begin
    for (int unsigned i = 0; i < NumAligns; i++) begin
      if (!bad_o && (al[i] & 64'(al_mask[i])) != 64'd0) begin
        bad_o = 1'b1;
        bad_code_o = ig1_pkg::FaultAlign;
        bad_addr_o = al[i];
      end
    end
    if (is_vec && q8 && vec.y0 != 16'sd1) begin
      bad_o = 1'b1;
      bad_code_o = ig1_pkg::FaultField;
      bad_addr_o = {32'h0, ig1_pkg::CmdVecY0Lsb >> 5};
    end
    if (is_vec && q8 && vec.red != ig1_pkg::VredNone) begin
      bad_o = 1'b1;
      bad_code_o = ig1_pkg::FaultField;
      bad_addr_o = {32'h0, ig1_pkg::CmdVecRedLsb >> 5};
    end
    if (zero) bad_o = 1'b0;
    if (dims_bad) begin
      bad_o = 1'b1;
      bad_code_o = ig1_pkg::FaultCount;
      bad_addr_o = 64'(att.dims);
    end
    for (int i = int'(NumCounts) - 1; i >= 0; i--) begin
      if (cnt[i] > Max) begin
        count_bad = 1'b1;
        bad_code_o = ig1_pkg::FaultCount;
        bad_addr_o = cnt[i];
      end
    end
    bad_o |= count_bad;
    zero_o = zero && !bad_o;
    end
  end

  // Range operands
  logic [39:0] row_bytes, pblocks, q8_groups;
  // used only while a range is looked at
  assign row_bytes = {16'b0, mm.groups[23:0]} * {32'b0, ig1_pkg::wfmt_block_bytes(mm.fmt)};
  assign pblocks   = {20'b0, npos[24:5]} + {39'b0, npos[4:0] != 5'd0};
  assign q8_groups = {20'b0, n0[24:5]} + {39'b0, n0[4:0] != 5'd0};

  always_comb begin
    opnd_last_o = 1'b0;
    opnd_used_o = 1'b1;
    opnd_fault_o = ig1_pkg::FaultScratch;
    opnd_base_o = '0;
    opnd_n_o = {25'd1, 25'd1, 25'd1};
    opnd_step_o = '0;
    opnd_tail_o = 40'd4;
    if (!en_i) begin
      opnd_used_o = 1'b0;
    end else if (is_mm || is_emb) begin
      opnd_n_o[2] = cols[24:0];
      case (opnd_i)
        3'd0: begin
          opnd_fault_o = ig1_pkg::FaultRom;
          opnd_base_o = rom;
          opnd_n_o[2] = rows[24:0];
          opnd_step_o[2] = {8'b0, mm.wstride};
          opnd_tail_o = row_bytes;
        end
        3'd1: begin
          opnd_base_o = x;
          opnd_step_o[2] = {8'b0, mm.xstride};
          if (is_mm) opnd_tail_o = {11'b0, mm.groups[23:0], 5'b0};
        end
        3'd2: begin
          opnd_used_o = is_mm;
          opnd_base_o = xs;
          opnd_step_o[2] = {8'b0, mm.xsstride};
          opnd_tail_o = {14'b0, mm.groups[23:0], 2'b0};
        end
        default: begin
          opnd_last_o = 1'b1;
          opnd_base_o = y;
          opnd_step_o[2] = {8'b0, mm.ystride};
          opnd_tail_o = is_mm ? {13'b0, rows[24:0], 2'b0} : {9'b0, mm.groups[23:0], 7'b0};
        end
      endcase
    end else if (is_att) begin
      opnd_n_o[2] = heads[24:0];
      opnd_n_o[1] = is_pv ? {9'b0, att.groups} : 25'd1;
      case (opnd_i)
        3'd0: begin
          opnd_base_o = x;
          opnd_step_o[2] = {8'b0, att.xstride};
          opnd_step_o[1] = {8'b0, att.xgstride};
          opnd_tail_o = is_pv ? pblocks << 5 : {19'b0, att.groups, 5'b0};
        end
        3'd1: begin
          opnd_base_o = xs;
          opnd_step_o[2] = {8'b0, att.xsstride};
          opnd_step_o[1] = {8'b0, att.xsgstride};
          opnd_tail_o = is_pv ? pblocks << 2 : {22'b0, att.groups, 2'b0};
        end
        default: begin
          opnd_last_o = 1'b1;
          opnd_base_o = y;
          opnd_n_o[1] = 25'd1;
          opnd_step_o[2] = {8'b0, att.ystride};
          opnd_tail_o = is_pv ? {22'b0, att.dims, 2'b0} : {13'b0, npos[24:0], 2'b0};
        end
      endcase
    end else if (is_dma) begin
      opnd_last_o = 1'b1;
      opnd_base_o = sp;
      opnd_n_o = {n2[24:0], n1[24:0], 25'd1};
      opnd_step_o[1] = {8'b0, dma.s1};
      opnd_step_o[2] = {8'b0, dma.s2};
      opnd_tail_o = bytes[39:0];
    end else begin
      opnd_n_o = {n2[24:0], n1[24:0], n0[24:0]};
      case (opnd_i)
        3'd0: begin
          opnd_used_o = use_a;
          if (vec.sa == ig1_pkg::SpaceCrom) opnd_fault_o = ig1_pkg::FaultCrom;
          opnd_base_o = a;
          opnd_step_o = {sx(vec.a2, 2'd2), sx(vec.a1, 2'd2), sx(32'(vec.a0), 2'd2)};
        end
        3'd1: begin
          opnd_used_o = use_b;
          if (vec.sb == ig1_pkg::SpaceCrom) opnd_fault_o = ig1_pkg::FaultCrom;
          opnd_base_o = b;
          opnd_step_o = {sx(vec.b2, 2'd2), sx(vec.b1, 2'd2), sx(32'(vec.b0), 2'd2)};
        end
        3'd2: begin
          opnd_used_o = use_c;
          if (vec.sc == ig1_pkg::SpaceCrom) opnd_fault_o = ig1_pkg::FaultCrom;
          opnd_base_o = c;
          opnd_step_o = {sx(vec.c2, 2'd2), sx(vec.c1, 2'd2), sx(32'(vec.c0), 2'd2)};
        end
        3'd3: begin
          opnd_used_o = use_d;
          if (vec.sd == ig1_pkg::SpaceCrom) opnd_fault_o = ig1_pkg::FaultCrom;
          opnd_base_o = d;
          opnd_step_o = {sx(vec.d2, 2'd2), sx(vec.d1, 2'd2), sx(32'(vec.d0), 2'd2)};
        end
        3'd4: begin
          opnd_used_o = use_y;
          opnd_base_o = vy;
          if (q8) begin
            opnd_n_o[0] = 25'd1;
            opnd_step_o = {sx(vec.y2, 2'd0), sx(vec.y1, 2'd0), 40'd0};
            opnd_tail_o = q8_groups << 5;
          end else begin
            opnd_step_o = {sx(vec.y2, 2'd2), sx(vec.y1, 2'd2), sx(32'(vec.y0), 2'd2)};
          end
        end
        default: begin
          opnd_last_o = 1'b1;
          opnd_used_o = use_z;
          opnd_base_o = vz;
          opnd_n_o[0] = 25'd1;
          opnd_step_o = {sx(vec.z2, 2'd2), sx(vec.z1, 2'd2), 40'd0};
          if (q8) opnd_tail_o = q8_groups << 2;
        end
      endcase
    end
  end
endmodule
