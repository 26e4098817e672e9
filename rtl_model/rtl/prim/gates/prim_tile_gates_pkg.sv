// SPDX-License-Identifier: MIT
//
// Weights of a block, bit planes of them and the sums over one plane. As functions of a
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

  // The 32 weights of a block of a format of which the array takes one group a step, without a
  // constant, as bytes.
  function automatic void group_bytes(input logic [3:0] fmt, input logic [287:0] block,
                                      output logic [255:0] w);
    // verilator no_inline_task
    logic [127:0] nibbles;
    logic [3:0]   low;
    logic [1:0]   high;
    logic [4:0]   twice;
    w = block[271:16];
    case (fmt)
      ig1_pkg::WfmtQ51:                   nibbles = block[96+:128];
      ig1_pkg::WfmtQ41, ig1_pkg::WfmtQ6K: nibbles = block[64+:128];
      default:                            nibbles = block[32+:128];
    endcase
    if (fmt != ig1_pkg::WfmtQ80) begin
      for (int unsigned j = 0; j < 32; j++) begin
        low   = nibbles[(8*(j%16))+(4*(j/16))+:4];
        high  = block[192+(8*(j%8))+(2*(j/8))+:2];
        twice = e2m1(low);
        case (fmt)
          ig1_pkg::WfmtQ51: w[8*j+:8] = {3'h0, block[64+j], low};
          ig1_pkg::WfmtNv4: w[8*j+:8] = {{3{twice[4]}}, twice};
          ig1_pkg::WfmtQ6K: w[8*j+:8] = {{2{high[1]}}, high, low};
          ig1_pkg::WfmtIq4: w[8*j+:8] = ig1_numbers_pkg::Iq4[{low, 3'h0}+:8];
          default:          w[8*j+:8] = {4'h0, low};
        endcase
      end
    end
  endfunction

  // The 32 weights behind a block's scale, of a format of which the array takes two groups a step,
  // as planes of five-bit two's complement: bit 32 * b + j is bit b of weight j, for b = 4 bit j of
  // fifth.
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

  // Sums of the int8 activations whose bit of the plane is set: of weights 0 to 15 in the lower half.
  function automatic logic [23:0] plane_sums(input logic [255:0] x, input logic [31:0] plane);
    // verilator no_inline_task
    logic [11:0] low, high;
    low  = 12'h0;
    high = 12'h0;
    for (int unsigned j = 0; j < 16; j++) begin
      low  = low + ({{4{x[(8*j)+7]}}, x[8*j+:8]} & {12{plane[j]}});
      high = high + ({{4{x[(8*j)+135]}}, x[(8*j)+128+:8]} & {12{plane[16+j]}});
    end
    plane_sums = {high, low};
  endfunction
endpackage
