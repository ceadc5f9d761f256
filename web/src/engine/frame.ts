/** A frame of a session: numbers as JSON, arrays as bytes; src/upriver/web/frames.py writes it. */
export interface Frame {
  id: number;
  /** Which frame of the session it is. */
  frame: number;
  arrays: Record<string, { shape: number[]; data: Float32Array | Uint8Array | Int32Array }>;
  [number: string]: unknown;
}

interface Written {
  name: string;
  dtype: "f4" | "u1" | "i4";
  shape: number[];
  offset: number;
}

const KINDS = { f4: Float32Array, u1: Uint8Array, i4: Int32Array };

/** Read a frame; its arrays are views of the bytes, not copies. */
export function read(bytes: ArrayBuffer): Frame {
  const length = new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length))) as {
    id: number;
    frame: number;
    arrays?: Written[];
  };
  const start = Math.ceil((4 + length) / 8) * 8;
  const arrays: Frame["arrays"] = {};
  for (const { name, dtype, shape, offset } of header.arrays ?? []) {
    const size = shape.reduce((product, n) => product * n, 1);
    arrays[name] = { shape, data: new KINDS[dtype](bytes, start + offset, size) };
  }
  return { ...header, arrays };
}
