// SPDX-License-Identifier: MIT
//
// Bit planes of a word of weights and the sum over one of them. As functions of a package that stay
// functions they are simulated from one copy, however many rows and columns the array has.

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

  // Planes 0 to 3: the nibbles of a Q4_0 block in w[127:0]; 4 to 7: of the next in w[255:128].
  // nibble - 8 is the nibble with its top bit inverted, read as two's complement.
  function automatic void planes_q4(input logic [255:0] w, output logic [255:0] planes);
    // verilator no_inline_task
    for (int unsigned b = 0; b < 8; b++) begin
      for (int unsigned j = 0; j < 16; j++) begin
        planes[(32*b)+j]    = w[(128*(b/4))+(8*j)+(b%4)] ^ (b % 4 == 3);
        planes[(32*b)+16+j] = w[(128*(b/4))+(8*j)+4+(b%4)] ^ (b % 4 == 3);
      end
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
