import { IsNotEmpty, IsString } from 'class-validator';
import { newPasswordProblem } from './credentials';
import { Passes } from './passes';

/** The password that there is, and the one that takes its place. */
export class ChangePasswordDto {
  @IsString({ message: 'Enter your password.' }) @IsNotEmpty({ message: 'Enter your password.' }) current!: string;
  @Passes('newPassword', newPasswordProblem) new!: string;
}
