import { join } from 'node:path';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { projectRoot } from '../../../platform/project-root';

// The messages of contracts/open-inference.proto that hold more than a name, as they are read and written.

export interface NamedVersion {
  name: string;
  /** Empty where none is asked for. */
  version: string;
}

export interface InferParameter {
  bool_param?: boolean;
  string_param?: string;
}

export interface InferTensorContents {
  bool_contents?: boolean[];
  int_contents?: number[];
  int64_contents?: number[];
  uint_contents?: number[];
  uint64_contents?: number[];
  fp32_contents?: number[];
  fp64_contents?: number[];
  bytes_contents?: Buffer[];
}

export interface InferInputTensor {
  name: string;
  datatype: string;
  shape: number[];
  contents: InferTensorContents | null;
}

export interface InferOutputTensor {
  name: string;
  datatype: string;
  shape: number[];
  parameters: Record<string, InferParameter>;
  /** None where the values lie in raw bytes. */
  contents: InferTensorContents | null;
}

export interface ModelInferRequest {
  model_name: string;
  model_version: string;
  id: string;
  parameters: Record<string, InferParameter>;
  inputs: InferInputTensor[];
  outputs: { name: string }[];
  raw_input_contents: Buffer[];
}

export interface ModelInferResponse {
  model_name: string;
  model_version: string;
  id: string;
  outputs: InferOutputTensor[];
  /** One an output, or none. */
  raw_output_contents: Buffer[];
}

/** The service, and a client of it: both out of the protocol's own file. */
export function loadService(): ServiceClientConstructor {
  const definition = loadSync(join(projectRoot(), 'contracts', 'open-inference.proto'), {
    keepCase: true,
    longs: Number,
    defaults: true,
  });
  const { inference } = loadPackageDefinition(definition) as unknown as {
    inference: { GRPCInferenceService: ServiceClientConstructor };
  };
  return inference.GRPCInferenceService;
}
