// SPDX-License-Identifier: MIT
//
// Byte address of one operand on its way over elements, rows and blocks of rows. At most one of
// the steps is asserted together with step_i; going to a new row or block wins over it.

module ig1_vec_agu (
  input  logic        clk_i,
  input  logic        load_i,   // start at base_i
  input  logic [31:0] base_i,
  input  logic        step_i,   // within the row
  input  logic [31:0] step_bytes_i,
  input  logic        row_i,    // to the next row
  input  logic [31:0] row_bytes_i,
  input  logic        block_i,  // to the next block of rows
  input  logic [31:0] block_bytes_i,
  output logic [31:0] addr_o
);
  logic [31:0] addr_q, row_q, block_q;
  logic [31:0] addr_d, row_d, block_d;

  always_comb begin
    addr_d  = addr_q;
    row_d   = row_q;
    block_d = block_q;
    if (step_i) addr_d = addr_q + step_bytes_i;
    if (row_i) begin
      row_d  = row_q + row_bytes_i;
      addr_d = row_d;
    end
    if (block_i) begin
      block_d = block_q + block_bytes_i;
      row_d   = block_d;
      addr_d  = block_d;
    end
    if (load_i) begin
      block_d = base_i;
      row_d   = base_i;
      addr_d  = base_i;
    end
  end

  always_ff @(posedge clk_i) begin
    addr_q  <= addr_d;
    row_q   <= row_d;
    block_q <= block_d;
  end

  assign addr_o = addr_q;
endmodule
