// SPDX-License-Identifier: MIT
// Memory system: four virtual clients (fetch, writer, dma, tile) and a physical one (copy engine,
// tests) share the MMU, the resident SRAM and the host bus.
//
// One request is taken per cycle, clients in turn. A TLB miss sets its client aside until the walk
// ends (one walk at a time) while the others go on. SRAM answers one cycle after its request, the
// host whenever it does; a client that changes between the two waits for its earlier answers, so
// its responses stay in order. Faults are answered as an SRAM access would be, without one.
//
// A walk's fault is remembered until the next walk or flush_i, which is how its client learns of it.
//
// rst_ni: soft or hard reset. host_rst_ni: hard reset only, see ig1_mem_host.

module ig1_mem #(
    parameter int unsigned MemBytes = 128,
    parameter logic [63:0] SramBytes = 64'h1000000,
    parameter int unsigned TlbSets = 64,
    parameter int unsigned TlbWays = 4,
    parameter int unsigned WalkLines = 8
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  host_rst_ni,
    input  logic [           7:0] chip_i,
    // 4096-byte aligned, which the firmware checks
    /* verilator lint_off UNUSEDSIGNAL */
    input  logic [          63:0] pt_root_i,
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic                  flush_i,          // no virtual request, no walk may be in flight
    output logic                  walk_busy_o,      // a walk goes on when its client gives up
    output logic                  tlb_miss_o,       // one cycle per walk
    output logic                  host_idle_o,
    // sequencer: command fetch (reads of MemBytes)
    input  logic                  fetch_req_valid_i,
    output logic                  fetch_req_ready_o,
    input  logic [          63:0] fetch_req_va_i,
    output logic                  fetch_rsp_valid_o,
    output logic [8*MemBytes-1:0] fetch_rsp_data_o,
    output logic [           7:0] fetch_rsp_fault_o,
    // sequencer: records (writes)
    input  logic                  writer_req_valid_i,
    output logic                  writer_req_ready_o,
    input  logic [          63:0] writer_req_va_i,
    input  logic [           7:0] writer_req_bytes_i,
    input  logic [8*MemBytes-1:0] writer_req_data_i,
    output logic                  writer_rsp_valid_o,
    output logic [           7:0] writer_rsp_fault_o,
    // DMA
    input  logic                  dma_req_valid_i,
    output logic                  dma_req_ready_o,
    input  logic                  dma_req_we_i,
    input  logic [          63:0] dma_req_va_i,
    input  logic [           7:0] dma_req_bytes_i,
    input  logic [8*MemBytes-1:0] dma_req_data_i,
    output logic                  dma_rsp_valid_o,
    output logic [8*MemBytes-1:0] dma_rsp_data_o,
    output logic [           7:0] dma_rsp_fault_o,
    // tile array: KV (reads)
    input  logic                  tile_req_valid_i,
    output logic                  tile_req_ready_o,
    input  logic [          63:0] tile_req_va_i,
    input  logic [           7:0] tile_req_bytes_i,
    output logic                  tile_rsp_valid_o,
    output logic [8*MemBytes-1:0] tile_rsp_data_o,
    output logic [           7:0] tile_rsp_fault_o,
    // physical: host bus address, or offset inside the resident SRAM
    input  logic                  phys_req_valid_i,
    output logic                  phys_req_ready_o,
    input  logic                  phys_req_we_i,
    input  logic                  phys_req_host_i,
    input  logic [          63:0] phys_req_addr_i,
    input  logic [           7:0] phys_req_bytes_i,
    input  logic [8*MemBytes-1:0] phys_req_data_i,
    output logic                  phys_rsp_valid_o,
    output logic [8*MemBytes-1:0] phys_rsp_data_o,
    output logic                  phys_rsp_err_o,
    // host bus master
    output logic                  h_req_valid_o,
    input  logic                  h_req_ready_i,
    output logic                  h_req_we_o,
    output logic [          63:0] h_req_addr_o,
    output logic [           7:0] h_req_bytes_o,
    output logic [8*MemBytes-1:0] h_req_data_o,
    input  logic                  h_rsp_valid_i,
    input  logic                  h_rsp_err_i,
    input  logic [8*MemBytes-1:0] h_rsp_data_i
);
  localparam int unsigned Clients = 5;
  localparam logic [2:0] CFetch = 3'd0;
  localparam logic [2:0] CWriter = 3'd1;
  localparam logic [2:0] CDma = 3'd2;
  localparam logic [2:0] CTile = 3'd3;
  localparam logic [2:0] CPhys = 3'd4;
  localparam logic [2:0] CWalk = 3'd5;
  localparam int unsigned SramAddrW = $clog2(SramBytes);
  localparam logic [3:0] MaxFlight = 4'd8;

  // ---------------------------------------------------------------- selection
  logic [Clients-1:0] valid, cand, high, pick, last_q, last_d;
  logic [Clients-1:0] walk_wait_q, walk_wait_d;  // missed while a walk runs
  logic [Clients-1:0] turn_wait_q, turn_wait_d;  // wants the other memory
  logic [Clients-1:0] room_wait_q, room_wait_d;  // wants the host port
  logic [Clients-1:0][3:0] flight_q, flight_d;
  logic [Clients-1:0] host_kind_q, host_kind_d;  // what is in flight is on the host bus
  logic [Clients-1:0] full;
  logic walk_busy, walk_done, host_room;

  assign valid = {
    phys_req_valid_i, tile_req_valid_i, dma_req_valid_i, writer_req_valid_i, fetch_req_valid_i
  };
  always_comb begin
    for (int unsigned c = 0; c < Clients; c++) full[c] = flight_q[c] == MaxFlight;
  end
  assign cand = valid & ~walk_wait_q & ~turn_wait_q & ~(host_room ? '0 : room_wait_q) & ~full;
  // the lowest client above the last one served, else the lowest
  assign high = cand & ~(last_q | (last_q - Clients'(1)));
  assign pick = high != '0 ? high & (~high + Clients'(1)) : cand & (~cand + Clients'(1));

  logic any, virt, we;
  logic [63:0] va;
  logic [7:0] bytes;
  logic [8*MemBytes-1:0] data;
  logic [2:0] client;
  assign any = cand != '0;

  always_comb begin
    client = CPhys;
    virt = 1'b1;
    we = 1'b0;
    va = phys_req_addr_i;
    bytes = phys_req_bytes_i;
    data = phys_req_data_i;
    unique case (1'b1)
      pick[CFetch]: begin
        client = CFetch;
        va = fetch_req_va_i;
        bytes = 8'(MemBytes);
      end
      pick[CWriter]: begin
        client = CWriter;
        we = 1'b1;
        va = writer_req_va_i;
        bytes = writer_req_bytes_i;
        data = writer_req_data_i;
      end
      pick[CDma]: begin
        client = CDma;
        we = dma_req_we_i;
        va = dma_req_va_i;
        bytes = dma_req_bytes_i;
        data = dma_req_data_i;
      end
      pick[CTile]: begin
        client = CTile;
        va = tile_req_va_i;
        bytes = tile_req_bytes_i;
      end
      default: begin
        virt = 1'b0;
        we   = phys_req_we_i;
      end
    endcase
  end

  // ---------------------------------------------------------------- translation
  logic tlb_hit, tlb_sram, tlb_write, beyond, bad_match;
  logic [43:0] tlb_ppn;
  logic bad_q, bad_d;  // the last walk ended with a fault
  logic [26:0] bad_vpn_q, bad_vpn_d;
  logic [7:0] bad_code_q, bad_code_d;

  // answers of the host
  logic hp_ready, hp_rsp;
  logic [2:0] hp_owner;
  logic hp_err;
  logic [8*MemBytes-1:0] hp_data;

  logic walk_start;
  logic [7:0] walk_fault;
  logic [26:0] walk_vpn;
  logic [43:0] walk_ppn;
  logic walk_sram, walk_write, walk_req, walk_ready, walk_rsp;
  logic [63:0] walk_addr;

  assign beyond = |va[63:ig1_pkg::VaBits];
  assign bad_match = bad_q && bad_vpn_q == va[38:12];

  ig1_mmu_tlb #(
      .Sets(TlbSets),
      .Ways(TlbWays)
  ) u_tlb (
      .clk_i,
      .rst_ni,
      .flush_i,
      .vpn_i       (va[38:12]),
      .hit_o       (tlb_hit),
      .ppn_o       (tlb_ppn),
      .sram_o      (tlb_sram),
      .write_o     (tlb_write),
      .fill_i      (walk_done && walk_fault == ig1_pkg::FaultNone),
      .fill_vpn_i  (walk_vpn),
      .fill_ppn_i  (walk_ppn),
      .fill_sram_i (walk_sram),
      .fill_write_i(walk_write)
  );

  ig1_mmu_walk #(
      .MemBytes (MemBytes),
      .SramBytes(SramBytes),
      .Lines    (WalkLines)
  ) u_walk (
      .clk_i,
      .rst_ni,
      .flush_i,
      .root_i     (pt_root_i[63:12]),
      .start_i    (walk_start),
      .vpn_i      (va[38:12]),
      .busy_o     (walk_busy),
      .done_o     (walk_done),
      .fault_o    (walk_fault),
      .vpn_o      (walk_vpn),
      .ppn_o      (walk_ppn),
      .sram_o     (walk_sram),
      .write_o    (walk_write),
      .req_valid_o(walk_req),
      .req_ready_i(walk_ready),
      .req_addr_o (walk_addr),
      .rsp_valid_i(walk_rsp),
      .rsp_err_i  (hp_err),
      .rsp_data_i (hp_data)
  );

  // ---------------------------------------------------------------- decision
  logic resolved, to_host, turn_ok, room_ok, go;
  logic [7:0] fault;
  logic [63:0] pa;

  always_comb begin
    fault = ig1_pkg::FaultNone;
    resolved = 1'b1;
    to_host = phys_req_host_i;
    pa = va;
    if (virt) begin
      pa = {8'd0, tlb_ppn, va[11:0]};
      if (beyond) fault = ig1_pkg::FaultPage;
      else if (tlb_hit) fault = we && !tlb_write ? ig1_pkg::FaultWrite : ig1_pkg::FaultNone;
      else if (bad_match) fault = bad_code_q;
      else resolved = 1'b0;
      to_host = fault == ig1_pkg::FaultNone && !tlb_sram;
    end
    turn_ok = (flight_q[client] == 4'd0) || (host_kind_q[client] == to_host);
    room_ok = !to_host || host_room;
    go = any && resolved && turn_ok && room_ok;
  end

  assign walk_start = any && !resolved && !walk_busy;
  assign tlb_miss_o = walk_start;
  assign walk_busy_o = walk_busy;

  assign fetch_req_ready_o = go && pick[CFetch];
  assign writer_req_ready_o = go && pick[CWriter];
  assign dma_req_ready_o = go && pick[CDma];
  assign tile_req_ready_o = go && pick[CTile];
  assign phys_req_ready_o = go && pick[CPhys];

  // ---------------------------------------------------------------- resident SRAM
  logic sram_go, s_valid_q;
  logic [2:0] s_client_q;
  logic [7:0] s_fault_q;
  logic [8*MemBytes-1:0] s_data;
  assign sram_go = go && !to_host;

  prim_sram #(
      .Bytes   (32'(SramBytes)),
      .MemBytes(MemBytes)
  ) u_sram (
      .clk_i,
      .chip_i,
      .req_i  (sram_go && fault == ig1_pkg::FaultNone),
      .we_i   (we),
      .addr_i (pa[SramAddrW-1:0]),
      .bytes_i(bytes),
      .wdata_i(data),
      .rdata_o(s_data)
  );

  // ---------------------------------------------------------------- host
  assign host_room  = hp_ready && !walk_req;
  assign walk_ready = hp_ready;
  assign walk_rsp   = hp_rsp && hp_owner == CWalk;

  ig1_mem_host #(
      .MemBytes(MemBytes)
  ) u_host (
      .clk_i,
      .rst_ni     (host_rst_ni),
      .idle_o     (host_idle_o),
      .req_valid_i(walk_req || (go && to_host)),
      .req_ready_o(hp_ready),
      .req_we_i   (!walk_req && we),
      .req_addr_i (walk_req ? walk_addr : pa),
      .req_bytes_i(walk_req ? 8'(MemBytes) : bytes),
      .req_data_i (data),
      .req_owner_i(walk_req ? CWalk : client),
      .rsp_valid_o(hp_rsp),
      .rsp_owner_o(hp_owner),
      .rsp_err_o  (hp_err),
      .rsp_data_o (hp_data),
      .h_req_valid_o,
      .h_req_ready_i,
      .h_req_we_o,
      .h_req_addr_o,
      .h_req_bytes_o,
      .h_req_data_o,
      .h_rsp_valid_i,
      .h_rsp_err_i,
      .h_rsp_data_i
  );

  // ---------------------------------------------------------------- responses
  logic [Clients-1:0] rsp, s_rsp, h_rsp;
  logic [7:0] h_fault;
  always_comb begin
    s_rsp = '0;
    h_rsp = '0;
    for (int unsigned c = 0; c < Clients; c++) begin
      s_rsp[c] = s_valid_q && s_client_q == 3'(c);
      h_rsp[c] = hp_rsp && hp_owner == 3'(c);
    end
  end
  assign rsp = s_rsp | h_rsp;
  assign h_fault = hp_err ? ig1_pkg::FaultBus : ig1_pkg::FaultNone;

  assign fetch_rsp_valid_o = rsp[CFetch];
  assign fetch_rsp_data_o = host_kind_q[CFetch] ? hp_data : s_data;
  assign fetch_rsp_fault_o = host_kind_q[CFetch] ? h_fault : s_fault_q;
  assign writer_rsp_valid_o = rsp[CWriter];
  assign writer_rsp_fault_o = host_kind_q[CWriter] ? h_fault : s_fault_q;
  assign dma_rsp_valid_o = rsp[CDma];
  assign dma_rsp_data_o = host_kind_q[CDma] ? hp_data : s_data;
  assign dma_rsp_fault_o = host_kind_q[CDma] ? h_fault : s_fault_q;
  assign tile_rsp_valid_o = rsp[CTile];
  assign tile_rsp_data_o = host_kind_q[CTile] ? hp_data : s_data;
  assign tile_rsp_fault_o = host_kind_q[CTile] ? h_fault : s_fault_q;
  assign phys_rsp_valid_o = rsp[CPhys];
  assign phys_rsp_data_o = host_kind_q[CPhys] ? hp_data : s_data;
  assign phys_rsp_err_o = host_kind_q[CPhys] && hp_err;

  // ---------------------------------------------------------------- state
  always_comb begin
    last_d = any ? pick : last_q;
    flight_d = flight_q;
    host_kind_d = host_kind_q;
    for (int unsigned c = 0; c < Clients; c++) begin
      flight_d[c] = flight_q[c] + 4'(go && pick[c]) - 4'(rsp[c]);
      if (go && pick[c]) host_kind_d[c] = to_host;
    end
    // cleared by what ends the wait, which wins over setting: the client just tries again
    walk_wait_d = walk_wait_q;
    if (any && !resolved) walk_wait_d = walk_wait_d | pick;
    if (walk_done) walk_wait_d = '0;
    turn_wait_d = turn_wait_q;
    if (any && resolved && !turn_ok) turn_wait_d = turn_wait_d | pick;
    for (int unsigned c = 0; c < Clients; c++) if (flight_d[c] == 4'd0) turn_wait_d[c] = 1'b0;
    room_wait_d = host_room ? '0 : room_wait_q;
    if (any && resolved && turn_ok && !room_ok) room_wait_d = room_wait_d | pick;
    bad_d = bad_q;
    bad_vpn_d = bad_vpn_q;
    bad_code_d = bad_code_q;
    if (walk_start || flush_i) bad_d = 1'b0;
    if (walk_done) begin
      bad_d = walk_fault != ig1_pkg::FaultNone;
      bad_vpn_d = walk_vpn;
      bad_code_d = walk_fault;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      last_q <= '0;
      flight_q <= '0;
      host_kind_q <= '0;
      walk_wait_q <= '0;
      turn_wait_q <= '0;
      room_wait_q <= '0;
      bad_q <= 1'b0;
      s_valid_q <= 1'b0;
    end else begin
      last_q <= last_d;
      flight_q <= flight_d;
      host_kind_q <= host_kind_d;
      walk_wait_q <= walk_wait_d;
      turn_wait_q <= turn_wait_d;
      room_wait_q <= room_wait_d;
      bad_q <= bad_d;
      s_valid_q <= sram_go;
    end
  end

  always_ff @(posedge clk_i) begin
    bad_vpn_q <= bad_vpn_d;
    bad_code_q <= bad_code_d;
    s_client_q <= client;
    s_fault_q <= fault;
  end

`ifndef SYNTHESIS
  LineRule :
  assert property (@(posedge clk_i) disable iff (!rst_ni) go |->
      bytes != 8'd0 && bytes[1:0] == 2'd0 && va[1:0] == 2'd0 &&
      (va & (64'(MemBytes) - 64'd1)) + 64'(bytes) <= 64'(MemBytes));
  PhysRange :
  assert property (@(posedge clk_i) disable iff (!rst_ni) phys_req_valid_i && !phys_req_host_i |->
      phys_req_addr_i < SramBytes);
  FlushIdle :
  assert property (@(posedge clk_i) disable iff (!rst_ni) flush_i |->
      flight_q[3:0] == '0 && valid[3:0] == '0);
`endif
endmodule
