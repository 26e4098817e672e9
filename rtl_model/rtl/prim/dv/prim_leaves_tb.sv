// SPDX-License-Identifier: MIT
//
// All arithmetic leaves side by side on shared operands, for tb_leaves.cc. Elaborated once with
// the gate bodies and once with the DPI bodies. prim_tile_dot and the planes it takes are parts of the
// array's gates and have no other body; the C of the array is held against them through ig1_tile.

module prim_leaves_tb (
  input  logic [31:0]  a_i,
  input  logic [31:0]  b_i,
  input  logic [31:0]  c_i,
  input  logic [255:0] x0_i,
  input  logic [255:0] x1_i,
  input  logic [287:0] w_i,     // a block, or the codes of two
  input  logic [3:0]   fmt_i,
  output logic [31:0]  mul_o,
  output logic [31:0]  add_o,
  output logic [31:0]  mad_o,
  output logic [31:0]  max_o,
  output logic [31:0]  i2f21_o,
  output logic [31:0]  i2f32_o,
  output logic [31:0]  f16_o,
  output logic [7:0]   to_i8_o,
  output logic [20:0]  sum0_o,
  output logic [20:0]  sum1_o
);
  prim_fp32_mul u_mul (
    .a_i(a_i),
    .b_i(b_i),
    .y_o(mul_o)
  );

  prim_fp32_add u_add (
    .a_i(a_i),
    .b_i(b_i),
    .y_o(add_o)
  );

  prim_fp32_mad u_mad (
    .a_i(a_i),
    .b_i(b_i),
    .c_i(c_i),
    .y_o(mad_o)
  );

  prim_fp32_max u_max (
    .a_i(a_i),
    .b_i(b_i),
    .y_o(max_o)
  );

  prim_i2f #(
    .Width(21)
  ) u_i2f21 (
    .x_i(a_i[20:0]),
    .y_o(i2f21_o)
  );

  prim_i2f #(
    .Width(32)
  ) u_i2f32 (
    .x_i(a_i),
    .y_o(i2f32_o)
  );

  prim_f16_f32 u_f16 (
    .h_i(a_i[15:0]),
    .y_o(f16_o)
  );

  prim_fp32_to_i8 u_to_i8 (
    .x_i(a_i),
    .q_o(to_i8_o)
  );

  logic [319:0] planes;
  logic [255:0] bytes;
  logic         pair;

  assign pair = prim_tile_pkg::fmt_pair(fmt_i);

  always_comb begin
    planes = '0;
    bytes  = '0;
    if (pair) begin
      prim_tile_gates_pkg::block_planes(fmt_i, w_i[127:0], planes[127:0], planes[287:256]);
      prim_tile_gates_pkg::block_planes(fmt_i, w_i[255:128], planes[255:128], planes[319:288]);
    end else begin
      prim_tile_gates_pkg::group_bytes(fmt_i, w_i, bytes);
      prim_tile_gates_pkg::planes_q8(bytes, planes[255:0]);
      if (prim_tile_pkg::fmt_constant(fmt_i)) planes[191:160] = '1;
    end
  end

  prim_tile_dot u_dot (
    .x0_i    (x0_i),
    .x1_i    (x1_i),
    .planes_i(planes),
    .pair_i  (pair),
    .five_i  (fmt_i == ig1_pkg::WfmtMx4),
    .two_i   (prim_tile_pkg::fmt_two(fmt_i)),
    .whole_i (prim_tile_pkg::fmt_constant(fmt_i)),
    .sum0_o  (sum0_o),
    .sum1_o  (sum1_o)
  );
endmodule
