// SPDX-License-Identifier: MIT
//
// C functions behind the compute leaves (prim/dpi/*.c). Data words have the width of 32 lanes
// whatever the chip's lane count: leaves use the low part. Handles are made once per instance.

package prim_dpi_pkg;
  localparam int unsigned DpiWidth = 1024;

  // mask contents, by the chip's number
  import "DPI-C" function void ig1_dpi_rom_word(
    input byte unsigned chip, input longint unsigned addr, input int unsigned bytes,
    output bit [287:0] data);
  import "DPI-C" function void ig1_dpi_crom_read(
    input byte unsigned chip, input int unsigned addr, input int unsigned words,
    output bit [DpiWidth-1:0] data);
  import "DPI-C" function void ig1_dpi_rom_deq(
    input byte unsigned chip, input longint unsigned addr, input byte unsigned fmt,
    input int unsigned first, input int unsigned words, output bit [DpiWidth-1:0] data);

  // byte memories
  import "DPI-C" function chandle ig1_dpi_ram_new(input int unsigned bytes);
  import "DPI-C" function void ig1_dpi_ram_free(input chandle ram);
  import "DPI-C" function void ig1_dpi_ram_read(
    input chandle ram, input int unsigned addr, input int unsigned words,
    output bit [DpiWidth-1:0] data);
  import "DPI-C" function void ig1_dpi_ram_write(
    input chandle ram, input int unsigned addr, input int unsigned mask,
    input bit [DpiWidth-1:0] data);

  // vector unit
  import "DPI-C" function void ig1_dpi_vec_alu(
    input byte unsigned op, input int unsigned n, input bit [DpiWidth-1:0] a,
    input bit [DpiWidth-1:0] b, input bit [DpiWidth-1:0] c, input bit [DpiWidth-1:0] d,
    input int unsigned alpha, input int unsigned beta, output bit [DpiWidth-1:0] y);
  import "DPI-C" function chandle ig1_dpi_reduce_new();
  import "DPI-C" function void ig1_dpi_reduce_free(input chandle red);
  import "DPI-C" function void ig1_dpi_reduce_clear(input chandle red);
  import "DPI-C" function void ig1_dpi_reduce_add(
    input chandle red, input byte unsigned mode, input int unsigned index, input int unsigned n,
    input bit [DpiWidth-1:0] data);
  import "DPI-C" function int unsigned ig1_dpi_reduce_end(
    input chandle red, input byte unsigned mode);
  import "DPI-C" function int unsigned ig1_dpi_quant32(
    input bit [DpiWidth-1:0] x, output bit [255:0] q);

  // tile array
  import "DPI-C" function chandle ig1_dpi_tile_new(
    input int unsigned rows, input int unsigned columns, input int unsigned col_groups);
  import "DPI-C" function void ig1_dpi_tile_free(input chandle tile);
  import "DPI-C" function void ig1_dpi_tile_x(
    input chandle tile, input int unsigned col, input int unsigned group, input bit scales,
    input int unsigned bytes, input bit [DpiWidth-1:0] data);
  import "DPI-C" function void ig1_dpi_tile_kv(
    input chandle tile, input bit buffer, input bit scales, input int unsigned offset,
    input int unsigned bytes, input bit [DpiWidth-1:0] data);
  import "DPI-C" function void ig1_dpi_tile_kv_step(
    input chandle tile, input bit buffer, input bit transpose, input int unsigned group,
    input int unsigned positions);
  import "DPI-C" function void ig1_dpi_tile_kv_run(
    input chandle tile, input bit first, input bit last, input bit bank, input int unsigned acc,
    input int unsigned groups, input int unsigned cols);
  import "DPI-C" function void ig1_dpi_tile_rom_run(
    input chandle tile, input byte unsigned chip, input longint unsigned addr,
    input int unsigned wstride, input byte unsigned fmt, input bit first, input bit last,
    input bit bank, input int unsigned acc, input int unsigned groups, input int unsigned rows,
    input int unsigned cols);
  import "DPI-C" function void ig1_dpi_tile_out(
    input chandle tile, input bit bank, input int unsigned col, input int unsigned row,
    input int unsigned words, input bit scaled, input bit acc, input int unsigned alpha,
    input bit [DpiWidth-1:0] old, output bit [DpiWidth-1:0] y);
endpackage
