// SPDX-License-Identifier: MIT
//
// Weights of a block, bit planes of a word of them and the sum over one plane. As functions of a
// package that stay functions they are simulated from one copy, however many rows and columns the
// array has.

package prim_tile_gates_pkg;
  // Bit 32 * b + j of the planes: bit b of byte j.
  function automatic void planes_q8(input logic [255:0] w, output logic [255:0] planes);
    // verilator no_inline_task
    for (int unsigned b = 0; b < 8; b++) begin
      for (int unsigned j = 0; j < 32; j++) begin
        planes[(32*b)+j] = w[(8*j)+b];
      end
    end
  endfunction

  // Twice the value of an E2M1 code.
  function automatic logic [4:0] e2m1(input logic [3:0] code);
    logic [4:0] v;
    case (code[2:1])
      2'd0:    v = {4'h0, code[0]};
      2'd1:    v = {3'h0, 1'b1, code[0]};
      2'd2:    v = {2'h0, 1'b1, code[0], 1'b0};
      default: v = {1'b0, 1'b1, code[0], 2'b00};
    endcase
    e2m1 = code[3] ? -v : v;
  endfunction

  // The 32 weights behind a block's scale, of every format but Q8_0, as planes of five-bit two's
  // complement: bit 32 * b + j is bit b of weight j, for b = 4 bit j of fifth.
  function automatic void block_planes(input logic [3:0] fmt, input logic [127:0] q,
                                       output logic [127:0] planes, output logic [31:0] fifth);
    // verilator no_inline_task
    logic [4:0] v, low;
    for (int unsigned j = 0; j < 32; j++) begin
      low = {1'b0, q[(8*(j%16))+(4*(j/16))+:4]};
      case (fmt)
        ig1_pkg::WfmtT20: v = {{4{q[(8*(j%8))+(2*(j/8))+1]}}, q[(8*(j%8))+(2*(j/8))]};
        ig1_pkg::WfmtB10: v = {{4{!q[j]}}, 1'b1};
        ig1_pkg::WfmtMx4: v = e2m1(low[3:0]);
        default:          v = low - 5'd8;
      endcase
      for (int unsigned b = 0; b < 4; b++) planes[(32*b)+j] = v[b];
      fifth[j] = v[4];
    end
  endfunction

  // Sum of the int8 activations whose bit of the plane is set.
  function automatic logic [12:0] plane_sum(input logic [255:0] x, input logic [31:0] plane);
    // verilator no_inline_task
    logic [12:0] sum;
    sum = 13'h0;
    for (int unsigned j = 0; j < 32; j++) begin
      sum = sum + ({{5{x[(8*j)+7]}}, x[8*j+:8]} & {13{plane[j]}});
    end
    plane_sum = sum;
  endfunction
endpackage
